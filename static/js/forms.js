/** Forms with fields: what is wrong with them, and help with passwords. The words are the page's. */

import { element, find, onSubmit, relative } from './dom.js';

/** @typedef {(field: HTMLInputElement) => string | false | undefined} FaultOf what is wrong with a field */

/**
 * Shows what is wrong with a form at its fields and in the summary.
 *
 * @param {HTMLFormElement} form
 * @param {FaultOf} faultOf
 * @param {string} [general] what is wrong when it is about no field
 * @returns {boolean} whether anything is
 */
function showFaults(form, faultOf, general = '') {
	/** @type {any[]} */
	const fields = [...form.querySelectorAll('.field input')];
	const faulty = fields.filter((field) => showFault(field, faultOf(field) || ''));
	const items = faulty.map((field) => item(field, faultOf(field)));
	if (general && !items.length) items.push(item(fields[0], general));
	const summary = find('.summary');
	find('ul', summary).replaceChildren(...items);
	summary.hidden = !items.length;
	summary.focus();
	return items.length > 0;
}

/** @param {HTMLInputElement} field @param {string} text */
function showFault(field, text) {
	find(`#${field.id}-fault`).textContent = text;
	field.ariaInvalid = text ? 'true' : null;
	return text;
}

/** An item of the summary that leads to the field. @param {any} field @param {any} text */
const item = (field, text) => element('li', Object.assign(element('a', text), { href: `#${field.id}` }));

/** @type {FaultOf} */
function missingOrWrong({ value, validity, dataset }) {
	if (!value) return dataset.missing;
	return validity.patternMismatch && dataset.wrong;
}

/**
 * Calls `send` with what was filled in, once nothing is wrong with it, and shows why it rejects.
 *
 * @param {HTMLFormElement} form
 * @param {(fields: Record<string, any>) => Promise<unknown>} send
 */
export function onFilled(form, send) {
	onSubmit(form, async (fields) => {
		for (const peek of form.querySelectorAll('.peek[aria-pressed=true]')) /** @type {any} */ (peek).click();
		if (showFaults(form, missingOrWrong)) return;
		await send(fields).catch(({ code, message, retryAfter }) => {
			const text = retryAfter ? `${message} (Possible again ${relative(retryAfter)}.)` : message;
			showFaults(form, ({ dataset }) => dataset.refusal?.includes(code) && text, text);
		});
	});
	form.querySelectorAll('.peek').forEach(makePeek);
	if (find('.suggest', form)) advise(find('[data-least]', form), find('.strength', form), find('.suggest', form));
}

/** A button that shows and hides a password. @param {any} button */
function makePeek(button) {
	const input = button.previousElementSibling;
	button.hidden = false;
	button.addEventListener('click', () => {
		input.type = input.type === 'text' ? 'password' : 'text';
		button.ariaPressed = input.type === 'text';
	});
}

/**
 * Says how strong a new password is, and suggests one.
 *
 * @param {any} field
 * @param {HTMLElement} output
 * @param {HTMLElement} button
 */
function advise(field, output, button) {
	const say = () => {
		const { length } = [...field.value];
		const level = strength(field.value, length - field.dataset.least);
		output.dataset.level = level;
		output.textContent = length ? (output.dataset[level] ?? '').replace('#', String(length)) : '';
	};
	field.addEventListener('input', say);
	button.hidden = false;
	button.addEventListener('click', () => {
		field.value = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-');
		say();
		if (field.type === 'password') field.nextElementSibling.click();
		field.focus();
	});
}

/** @param {string} password @param {number} spare how many characters it has beyond the least */
function strength(password, spare) {
	if (spare < 0) return 'short';
	if (new Set(password).size < 8) return 'weak';
	return spare < 6 ? 'good' : 'strong';
}
