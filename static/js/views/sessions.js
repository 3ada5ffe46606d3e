/** The user's sessions, and ending them. */

import { find, findAll } from '../dom.js';
import { authorizedFetch, logout } from '../session.js';
import { onButton, say } from './buttons.js';

/** @param {string} path */
async function end(path, method = 'DELETE') {
	const { ok, status } = await authorizedFetch(path, { method });
	if (!ok && status !== 404) throw new Error('The server could not do that. Try again.');
}

/** @param {any[]} items of the list of sessions */
async function endAll(items) {
	say('Ending…');
	for (const item of items) {
		await end(`/auth/sessions/${item.dataset.session}`);
		item.remove();
	}
	say(`Session ended: ${items.map(({ dataset }) => dataset.device).join(', ')}.`);
	find('.said')?.focus();
}

/** @param {HTMLElement} root */
export default (root) =>
	onButton(root, {
		end: (item) => endAll([item]),
		others: () => endAll(findAll('[data-session]:not([data-current])', root)),
		everywhere: () => end('/auth/logout-everywhere', 'POST').then(logout),
		leave: logout,
		async keep() {},
	});
