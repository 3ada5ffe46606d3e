import { element, find, onFilled } from './forms.js';
import { authorizedFetch, changePassword, logout, onChange, refresh } from './session.js';

const family = element('ol');
family.className = 'family';
let ends = 0;

onChange(({ expiresAt }) => {
	if (expiresAt && expiresAt !== ends) family.append(element('li', element('b'), new Date().toLocaleTimeString()));
	ends = expiresAt || ends;
});

/** What any script of this site can read. */
const reach = {
	local: async () => Object.keys(localStorage),
	session: async () => Object.keys(sessionStorage),
	cookie: async () => document.cookie,
	indexed: async () => (await indexedDB.databases()).map(({ name }) => name),
};

const say = (text) => find('.said')?.replaceChildren(text);

/** Runs what the pressed button's value names. */
const onButton = (root, acts) =>
	root.addEventListener('click', async ({ target }) => {
		const act = acts[target.closest('button')?.value];
		if (!act) return;
		const ask = target.closest('details');
		ask?.removeAttribute('open');
		ask?.firstElementChild.focus();
		await act(target.closest('li')).catch(({ message }) => say(message));
	});

function tick() {
	if (!find('.countdown')) return;
	const left = Math.max(ends - performance.now(), 0);
	find('.countdown').textContent = left ? new Date(left).toISOString().slice(14, 19) : 'spent';
	find('progress').value = left / 1000;
}
setInterval(tick, 1000);

export function account(root, show) {
	tick();
	find('.family').replaceWith(family);
	for (const place of root.querySelectorAll('[data-reach]')) {
		reach[place.dataset.reach]().catch(() => 'blocked').then((found) => place.append(String(found) || 'empty'));
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
}

async function end(path, method = 'DELETE') {
	const { ok, status } = await authorizedFetch(path, { method });
	if (!ok && status !== 404) throw Error('The server could not do that. Try again.');
}

async function endAll(rows) {
	say('Ending…');
	for (const row of rows) {
		await end(`/auth/sessions/${row.dataset.session}`);
		row.remove();
	}
	say(`Session ended: ${rows.map(({ dataset }) => dataset.device).join(', ')}.`);
	find('.said')?.focus();
}

export const sessions = (root) =>
	onButton(root, {
		end: (row) => endAll([row]),
		others: () => endAll([...root.querySelectorAll('[data-session]:not([data-current])')]),
		everywhere: () => end('/auth/logout-everywhere', 'POST').then(logout),
		leave: logout,
		async keep() {},
	});

export function password(root) {
	const form = find('form', root);
	onFilled(form, async ({ username, ...passwords }) => {
		await changePassword(passwords);
		const done = find('.done', root);
		form.hidden = true;
		done.hidden = false;
		done.focus();
	});
}
