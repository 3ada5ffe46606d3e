/** The buttons of account pages, and the questions that some open. */

import { find } from '../dom.js';

/** Says how it went. @param {string} text */
export const say = (text) => find('.said')?.replaceChildren(text);

/** @param {any} target in a question, perhaps */
function close(target) {
	const question = target.closest('details');
	question?.removeAttribute('open');
	question?.firstElementChild.focus();
}

/** Runs what the pressed button's value names; Escape closes a question. @param {HTMLElement} root @param {Acts} acts */
export function onButton(root, acts) {
	root.addEventListener('keydown', (/** @type {any} */ { key, target }) => key === 'Escape' && close(target));
	root.addEventListener('click', async (/** @type {any} */ { target }) => {
		const act = acts[target.closest('button')?.value];
		if (!act) return;
		close(target);
		await act(target.closest('li')).catch(({ message }) => say(message));
	});
}
