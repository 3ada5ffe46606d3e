/** The account, its access token, and what script can see of it. */

import { element, find, findAll } from '../dom.js';
import { authorizedFetch, onChange, refresh } from '../session.js';
import { tokenTimes } from '../shell.js';
import { onButton, say } from './buttons.js';

let ends = 0;

onChange(({ expiresAt }) => {
	ends = expiresAt || ends;
	showFamily();
});

function showFamily() {
	const times = tokenTimes.map((time) => element('li', element('b'), time.toLocaleTimeString()));
	find('.family')?.replaceChildren(...times);
}

/** What any script of this site can read. @type {Record<string, () => Promise<any>>} */
const REACH = {
	local: async () => Object.keys(localStorage),
	session: async () => Object.keys(sessionStorage),
	cookie: async () => document.cookie,
	indexed: async () => (await indexedDB.databases()).map(({ name }) => name),
};

function tick() {
	if (!find('.countdown')) return;
	const left = Math.max(ends - performance.now(), 0);
	find('.countdown').textContent = left ? new Date(left).toISOString().slice(14, 19) : 'spent';
	find('progress').value = left / 1000;
}
setInterval(tick, 1000);

/** @param {HTMLElement} root @param {() => Promise<void>} show */
export default (root, show) => {
	tick();
	showFamily();
	for (const place of findAll('[data-reach]', root)) {
		REACH[place.dataset.reach]?.().catch(() => 'blocked').then((found) => place.append(String(found) || 'empty'));
	}
	onButton(root, {
		async refresh() {
			say('Refreshing…');
			await refresh();
			const { open } = find('details', root);
			await show();
			if (!find('#refresh')) return;
			find('details').open = open;
			find('#refresh').focus();
			say(find('.said').dataset.done);
		},
		async ask() {
			const response = await authorizedFetch('/api/me');
			const body = JSON.stringify(await response.json(), null, 2);
			const answer = find('.answer', root);
			answer.textContent = `${response.status} ${response.statusText}\n${body}`;
			answer.hidden = false;
		},
	});
};
