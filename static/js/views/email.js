/** Asks for another address. */

import { find } from '../dom.js';
import { onFilled } from '../forms.js';
import { authorizedFetch } from '../session.js';
import { refusal } from '../transport.js';

/** @param {HTMLElement} root */
export default (root) =>
	onFilled(find('form', root), async (fields) => {
		const done = find('.done', root);
		done.hidden = true;
		const response = await authorizedFetch('/auth/email', {
			method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields),
		});
		if (!response.ok) throw refusal(response, await response.json().catch(() => ({})));
		done.hidden = false;
		done.focus();
	});
