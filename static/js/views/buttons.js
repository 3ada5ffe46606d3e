/** The buttons of account pages. */

import { find } from '../dom.js';

/** Says how it went. @param {string} text */
export const say = (text) => find('.said')?.replaceChildren(text);

/** Runs what the pressed button's value names. @param {HTMLElement} root @param {Acts} acts */
export function onButton(root, acts) {
	root.addEventListener('click', async (/** @type {any} */ { target }) => {
		const act = acts[target.closest('button')?.value];
		if (!act) return;
		const question = target.closest('details');
		question?.removeAttribute('open');
		question?.firstElementChild.focus();
		await act(target.closest('li')).catch(({ message }) => say(message));
	});
}
