/** Downloads all that is kept about the user, and deletes the account. */

import { element, find } from '../dom.js';
import { authorizedFetch, onChange } from '../session.js';
import { onButton, say } from './buttons.js';

/** However much there is, and however slow the network. */
const DOWNLOAD_MS = 600_000;

/** Where to go when the account is gone; empty before. */
let farewell = '';

// The shell goes to the login page when a session has ended. The later of two navigations counts.
onChange(({ status }) => {
	if (farewell && status === 'logged_out') location.replace(farewell);
});

/** @param {string} path @param {RequestInit} init */
async function ask(path, init) {
	const response = await authorizedFetch(path, init);
	if (response.ok) return response;
	const { detail } = await response.json().catch(() => ({}));
	throw Error(detail ?? 'The server could not do that. Try again.');
}

async function download() {
	const response = await ask('/auth/export', { signal: AbortSignal.timeout(DOWNLOAD_MS) });
	const blob = await response.blob().catch(() => {
		throw Error('The file did not arrive whole. Try again.');
	});
	const name = response.headers.get('content-disposition')?.split('"')[1] ?? 'data.json';
	const href = URL.createObjectURL(blob);
	Object.assign(element('a'), { href, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(href), 60_000);
	return name;
}

/** @param {HTMLElement} root */
export default (root) =>
	onButton(root, {
		async download() {
			const button = find('.main', root);
			const label = button.textContent;
			const { busy } = button.dataset;
			if (label === busy) return;
			button.textContent = busy;
			try {
				say(`Downloaded: ${await download()}.`);
			} finally {
				button.textContent = label;
			}
		},
		async delete() {
			say('Deleting…');
			find('.said').focus(); // far above on a phone
			await ask('/auth/account', { method: 'DELETE' }).catch((error) => {
				throw error.code === 'unreachable' ? Error(root.dataset.uncertain) : error;
			});
			({ farewell = '' } = root.dataset);
			// To all tabs, this one too: the session is over.
			globalThis.BroadcastChannel && new BroadcastChannel('latchkey').postMessage('logged_out');
			location.replace(farewell);
		},
		async keep() {},
	});
