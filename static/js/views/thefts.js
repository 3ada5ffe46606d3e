/** The notices of theft, which several pages show, and dismissing them. */

import { find } from '../dom.js';
import { authorizedFetch } from '../session.js';
import { onButton } from './buttons.js';

/** @param {HTMLElement} root */
export default (root) =>
	onButton(root, {
		async dismiss(item) {
			const fault = find('.fault', item);
			fault.textContent = '';
			try {
				const { ok, status } = await authorizedFetch(`/auth/thefts/${item.dataset.theft}`, { method: 'DELETE' });
				if (!ok && status !== 404) throw new Error('The notice could not be dismissed. Try again.');
			} catch (/** @type {any} */ { message }) {
				fault.textContent = message;
				return;
			}
			item.className = 'notice';
			item.tabIndex = -1;
			item.textContent = 'Notice dismissed.';
			item.focus();
		},
	});
