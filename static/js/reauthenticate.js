/**
 * Asks for the password again, in one dialog, however many requests wait. session.js loads it when the
 * server answers that the user proved too long ago who they are.
 */

import { element, onSubmit } from './dom.js';
import { makePeek } from './forms.js';
import { onChange, refresh } from './session.js';
import { SessionError } from './transport.js';

/** @type {Question | null} */
let question = null;

/** To the other tabs, which close their dialogs. It carries no more than this word. */
const PROVED = 'proved';
const channel = globalThis.BroadcastChannel && new BroadcastChannel('latchkey');

/** @type {AskPassword} */
export function askPassword(user, prove) {
	question ??= open(user, prove);
	return question.answered;
}

// Sent again, the requests find out themselves what has become of the session.
onChange(({ status }) => {
	if (status === 'hidden') question?.settle(cancelled());
	else if (status !== 'logged_in') question?.settle();
});
channel?.addEventListener('message', async ({ data }) => {
	const mine = question;
	if (data !== PROVED || !mine) return;
	await refresh().catch(() => {}); // gets a token that is as recent; without one the server asks again
	mine.settle();
});

const cancelled = () =>
	new SessionError('reauthentication_cancelled', 'Nothing was done: the password was not entered again.');

/** @param {TokenUser | null} user @param {(password: string) => Promise<State>} prove @returns {Question} */
function open(user, prove) {
	const { dialog, form, field, fault, peek, cancel } = build(user?.email ?? '');
	/** @type {Question} */
	const mine = { answered: Promise.resolve(), settle() {} };
	mine.answered = new Promise((resolve, reject) => {
		mine.settle = (error) => {
			if (question !== mine) return;
			question = null;
			if (error) reject(error);
			else resolve();
			dialog.close();
		};
	});

	/** @param {string} text */
	const complain = (text) => {
		fault.textContent = text;
		field.ariaInvalid = 'true';
		field.focus();
	};

	onSubmit(form, async ({ password }) => {
		if (field.type === 'text') peek.click();
		fault.textContent = '';
		field.ariaInvalid = null;
		if (!password) return complain('Enter your password.');
		try {
			await prove(password);
			channel?.postMessage(PROVED);
			mine.settle();
		} catch (/** @type {any} */ error) {
			if (isOver(error)) return mine.settle(error);
			const { code, message } = error;
			if (code === 'wrong_password') field.value = '';
			complain(message);
		}
	});
	makePeek(peek);
	cancel.addEventListener('click', () => dialog.close());
	dialog.addEventListener('close', () => {
		dialog.remove();
		mine.settle(cancelled()); // Escape and Cancel close it unsettled
	});
	document.body.append(dialog);
	dialog.showModal();
	field.focus();
	return mine;
}

/** Whether there is no session any more that the password could confirm. @param {any} error */
const isOver = ({ code, status }) => code !== 'unreachable' && (status === 0 || status === 401);

/** @param {string} email @returns {Record<string, any>} */
function build(email) {
	const title = make('h2', { id: 'reauthenticate-title' }, 'Confirm that it is you');
	const text = make(
		'p', { id: 'reauthenticate-text' },
		'Enter your password again to continue as ', element('b', email), '.',
	);
	// For password managers.
	const name = make('input', { name: 'username', autocomplete: 'username', value: email, readOnly: true, hidden: true });
	const label = make('label', { htmlFor: 'reauthenticate-password' }, 'Password');
	const fault = make('p', { id: 'reauthenticate-fault', className: 'fault', role: 'alert' });
	const field = make('input', {
		id: label.htmlFor, name: 'password', type: 'password', autocomplete: 'current-password',
		autocapitalize: 'none', spellcheck: false,
	});
	field.setAttribute('aria-describedby', fault.id);
	const peek = make('button', { type: 'button', className: 'peek', ariaLabel: 'Show password' }, 'Show');
	const secret = make('div', { className: 'secret' }, field, peek);
	const confirm = make('button', { className: 'button main' }, 'Confirm');
	confirm.dataset.busy = 'Confirming…';
	const cancel = make('button', { type: 'button', className: 'button' }, 'Cancel');
	const form = make(
		'form', { method: 'post', noValidate: true, className: 'card' },
		title, text, name, make('div', { className: 'field' }, label, fault, secret), confirm, cancel,
	);
	const dialog = make('dialog', {}, form);
	dialog.setAttribute('aria-labelledby', title.id);
	dialog.setAttribute('aria-describedby', text.id);
	return { dialog, form, field, fault, peek, cancel };
}

/** @param {string} tag @param {object} properties @param {(string | Node)[]} children @returns {any} */
const make = (tag, properties, ...children) => Object.assign(element(tag, ...children), properties);
