/** The form that changes the password. */

import { find } from '../dom.js';
import { onFilled } from '../forms.js';
import { changePassword } from '../session.js';

/** @param {HTMLElement} root */
export default (root) => {
	const form = find('form', root);
	const notice = find('.breached', root);
	notice.hidden = !location.search.includes('password_breached');
	onFilled(form, async ({ current_password, new_password }) => {
		await changePassword({ current_password, new_password });
		const done = find('.done', root);
		form.hidden = true;
		notice.hidden = true;
		history.replaceState(null, '', location.pathname);
		done.hidden = false;
		done.focus();
	});
};
