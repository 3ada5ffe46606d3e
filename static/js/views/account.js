/** The account, and what script can see of it. */

import { find, findAll, parse, showTimes } from '../dom.js';
import { authorizedFetch, refresh } from '../session.js';
import { onButton, say } from './buttons.js';

/** What any script of this site can read. @type {Record<string, () => Promise<any>>} */
const REACH = {
	local: async () => Object.keys(localStorage),
	session: async () => Object.keys(sessionStorage),
	cookie: async () => document.cookie,
	indexed: async () => (await indexedDB.databases()).map(({ name }) => name),
};

/** Loads the picture and the timeline when they come into view. @param {HTMLElement} root */
function goLive(root) {
	new IntersectionObserver((seen, observer) => {
		if (!seen[0]?.isIntersecting) return;
		observer.disconnect();
		import('./live.js').then(({ default: live }) => live(root), () => say('The picture could not be loaded.'));
	}).observe(find('[data-split]', root));
}

/** @param {HTMLElement} root @param {() => Promise<void>} show */
export default (root, show) => {
	for (const place of findAll('[data-reach]', root)) {
		REACH[place.dataset.reach]?.().catch(() => 'blocked').then((found) => place.append(String(found) || 'empty'));
	}
	goLive(root);
	onButton(root, {
		async refresh() {
			say('Refreshing…');
			await refresh();
			const response = await authorizedFetch('/fragments/account');
			if (!response.ok) return show();
			const { body } = await parse(response);
			showTimes(body);
			for (const part of findAll('.news', body)) find(`#${part.id}`)?.replaceWith(part);
			say(find('.said').dataset.done);
		},
		async ask() {
			const response = await authorizedFetch('/api/me');
			const body = JSON.stringify(await response.json(), null, 2);
			find('.answer', root).textContent = `${response.status} ${response.statusText}\n${body}`;
		},
	});
};
