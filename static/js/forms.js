/** Forms: what is wrong with them, and help with passwords. */

import { element, find, findAll, onSubmit } from './dom.js';

/** @type {FaultOf} */
function missingOrWrong({ value, validity, dataset }) {
	if (!value) return dataset.missing;
	return validity.patternMismatch && dataset.wrong;
}

/** @type {ShowFaults} */
function showFaults(form, faultOf, general) {
	const faults = findAll('.field input', form).map((field) => ({ field, text: faultOf(field) || '' }));
	for (const { field, text } of faults) {
		find(`#${field.id}-fault`).textContent = text;
		field.ariaInvalid = text ? 'true' : null;
	}
	const told = faults.filter(({ text }) => text);
	if (general && !told.length) told.push({ field: find('.field input', form), text: general });
	const summary = find('.summary');
	find('ul', summary).replaceChildren(...told.map(({ field, text }) =>
		element('li', Object.assign(element('a', text), { href: `#${field.id}` }))));
	document.title = (told.length ? 'Error: ' : '') + document.title.replace('Error: ', '');
	summary.hidden = !told.length;
	summary.focus();
	return told.length > 0;
}

/** Sends a form in which nothing is wrong. @type {OnSubmit} */
export function onFilled(form, send) {
	onSubmit(form, async (fields) => {
		for (const peek of findAll('input[type=text] + .peek', form)) peek.click();
		if (showFaults(form, missingOrWrong)) return;
		await send(fields).catch(({ code, message }) => {
			showFaults(form, ({ dataset }) => dataset.refusal?.includes(code) && message, message);
		});
	});
	findAll('.peek', form).forEach(makePeek);
	if (find('.suggest', form)) advise(form);
}

/** A button that shows and hides a password. @param {any} button */
export function makePeek(button) {
	const input = button.previousElementSibling;
	button.hidden = false;
	button.addEventListener('click', () => {
		const shows = input.type === 'password';
		input.type = shows ? 'text' : 'password';
		button.textContent = shows ? 'Hide' : 'Show';
		button.ariaLabel = button.ariaLabel.replace(/^\w+/, button.textContent);
	});
}

/** Loads the advice on a new password when it is needed. @param {HTMLFormElement} form */
function advise(form) {
	const field = find('[data-least]', form);
	const output = find('.strength', form);
	const button = find('.suggest', form);
	const load = () => import('./advice.js');
	field.addEventListener('input', () => load().then(({ judge }) => judge(field, output)).catch(() => {}));
	button.hidden = false;
	button.addEventListener('click', () =>
		load().then(({ suggest }) => suggest(field, output, button.dataset.words)).catch(() => {
			output.dataset.level = 'failed';
			output.textContent = output.dataset.failed;
		}));
}
