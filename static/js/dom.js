/** What the scripts of several pages share. */

/** @type {Find} */
export const find = (selector, root = document) => root.querySelector(selector);

/** @type {FindAll} */
export const findAll = (selector, root) => [...root.querySelectorAll(selector)];

/** @param {string} tag @param {(string | Node)[]} children */
export function element(tag, ...children) {
	const made = document.createElement(tag);
	made.append(...children);
	return made;
}

// Made at load, so that no other script can take its name.
const policy = window.trustedTypes?.createPolicy('latchkey-fragment', { createHTML: (html) => html });

/** Makes a document in which no script runs. Throws a refusal. @param {Response} response */
export async function parse(response) {
	if (!response.ok) throw response;
	const html = await response.text();
	return new DOMParser().parseFromString(policy?.createHTML(html) ?? html, 'text/html');
}

const WORDS = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** @param {number} seconds from now; negative in the past */
export function relative(seconds) {
	const size = Math.abs(seconds);
	if (seconds > -60 && seconds <= 0) return 'just now';
	if (size < 3600) return WORDS.format(Math.round(seconds / 60), 'minute');
	if (size < 86_400) return WORDS.format(Math.round(seconds / 3600), 'hour');
	return WORDS.format(Math.round(seconds / 86_400), 'day');
}

/** Tells times in words, and on hovering in the reader's zone. @param {ParentNode} place */
export function showTimes(place) {
	for (const time of findAll('time', place)) {
		const date = new Date(time.dateTime || time.dataset.epoch * 1000);
		time.textContent = relative((date.getTime() - Date.now()) / 1000);
		time.title = date.toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' });
	}
}

/** Sends a form's fields, and not again before that is done. @type {OnSubmit} */
export function onSubmit(form, send) {
	const button = find('button:not([type])', form);
	const label = button.textContent;
	form.addEventListener('submit', async (event) => {
		event.preventDefault();
		if (button.textContent !== label) return;
		button.textContent = button.dataset.busy;
		await send(Object.fromEntries(new FormData(form)));
		button.textContent = label;
	});
}
