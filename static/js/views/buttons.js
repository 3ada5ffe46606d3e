/** What the views have in common. */

import { find } from '../dom.js';

/** Says how it went. @param {string} text */
export const say = (text) => find('.said')?.replaceChildren(text);

/**
 * Runs what the pressed button's value names, with the list item that it is in.
 *
 * @param {HTMLElement} root
 * @param {Record<string, (item: any) => Promise<unknown>>} acts
 */
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
