/** Filters the index of attacks while one types. Without this, the form asks the server for the same. */

import { find, findAll } from './dom.js';

/** @type {HTMLFormElement} */
const form = find('[data-filter]');
const rows = findAll('[data-kind]', document);
const groups = findAll('[data-group]', document);

function filter() {
	const { q, kind } = Object.fromEntries(/** @type {any} */ (new FormData(form)));
	const words = q.toLowerCase().split(/\s+/);
	/** @param {HTMLElement} row */
	const matches = ({ dataset: { kind: own, text = '' } }) =>
		(!kind || own === kind) && words.every((/** @type {string} */ word) => text.includes(word));
	for (const row of rows) row.hidden = !matches(row);
	for (const group of groups) {
		group.hidden = !rows.some((row) => !row.hidden && row.dataset.kind === group.dataset.group);
	}
	const shown = rows.filter((row) => !row.hidden).length;
	find('[data-count]').textContent = `${shown} of ${rows.length}`;
	find('[data-none]').hidden = shown > 0;
	show(q.trim(), kind);
}

/** The address shows the same when it is opened or reloaded. @param {string} q @param {string} kind */
function show(q, kind) {
	const wanted = new URLSearchParams(Object.entries({ q, kind }).filter(([, value]) => value));
	history.replaceState(null, '', `${location.pathname}${wanted.size ? `?${wanted}` : ''}`);
}

form.addEventListener('input', filter);
form.addEventListener('submit', (event) => {
	event.preventDefault();
	filter();
});
// A browser that comes back to the page restores the fields, but not what they hid.
addEventListener('pageshow', filter);
