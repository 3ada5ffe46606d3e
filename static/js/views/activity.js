/** What happened to the account, page after page. */

import { find, findAll, parse, showTimes } from '../dom.js';
import { authorizedFetch } from '../session.js';
import { onButton, say } from './buttons.js';

/** Tells times to the minute, so that they can be compared. @param {ParentNode} place */
function showExactTimes(place) {
	showTimes(place);
	for (const time of findAll('time', place)) {
		time.textContent = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
	}
}

/** @param {string} before */
async function load(before) {
	const response = await authorizedFetch(`/fragments/activity?before=${before}`);
	if (!response.ok) throw new Error('Older activity could not be loaded. Try again.');
	const { body } = await parse(response);
	showExactTimes(body);
	return body;
}

/** @param {HTMLElement} root */
export default (root) => {
	showExactTimes(root);
	onButton(root, {
		/** Adds the next page to the list, and moves the focus there. */
		async older() {
			const button = find('[value=older]', root);
			const { before, busy } = button.dataset;
			const label = button.textContent;
			if (label === busy) return;
			button.textContent = busy;
			try {
				const page = await load(before);
				const items = findAll('.diary > li', page);
				find('.diary', root).append(...items);
				button.parentElement.replaceWith(find('.more', page));
				say('');
				items[0]?.focus();
			} finally {
				button.textContent = label;
			}
		},
	});
};
