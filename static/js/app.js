/** Moving among the account pages keeps the document, and so the token. */

import { find, onFilled, onSubmit, relative } from './forms.js';
import { rememberNonce } from './dpop.js';
import { authorizedFetch, login, logout, onChange, register } from './session.js';
import * as views from './views.js';

let turn = 0; // an earlier one's answer comes too late
let retry;

const policy = globalThis.trustedTypes?.createPolicy('latchkey-fragment', { createHTML: (html) => html });

/** The one place where text becomes elements; scripts in it stay inert. */
async function parse(response) {
	if (!response.ok) throw response;
	const html = await response.text();
	return new DOMParser().parseFromString(policy?.createHTML(html) ?? html, 'text/html');
}

const linkTo = (path = location.pathname) => find(`.sections a[href="${path}"]`);

/** Shows what the address names. @param {boolean} [moved] */
async function show(moved) {
	const mine = ++turn;
	const link = linkTo();
	clearTimeout(retry);
	find('.sections [aria-current]').ariaCurrent = null;
	link.ariaCurrent = 'page';
	try {
		const { body } = await parse(await authorizedFetch(link.dataset.fragment));
		if (mine !== turn) return;
		fill(body);
		const heading = find('#content h1');
		document.title = `${heading.textContent} – Latchkey`;
		if (moved) heading.focus();
	} catch ({ code, status, retryAfter = 0 }) {
		if (mine !== turn || code === 'session_ended' || code === 'logging_out') return; // the status says it
		trouble(code === 'unreachable' && !status ? '#offline' : '#failed');
		retry = setTimeout(show, Math.max(retryAfter, 4) * 1000 * (1 + Math.random() / 4));
	}
}

function fill(content) {
	const place = find('#content');
	place.replaceChildren(...content.childNodes);
	place.hidden = false;
	for (const time of place.querySelectorAll('time')) {
		const date = new Date(time.dateTime || time.dataset.epoch * 1000);
		time.textContent = relative((date.getTime() - Date.now()) / 1000);
		time.title = date.toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' });
	}
	const root = find('[data-view]', place);
	views[root?.dataset.view]?.(root, show);
}

const trouble = (template) => fill(find(template).content.cloneNode(true));

async function enter(path) {
	const page = await fetch(path, { cache: 'no-store' }).then(parse).catch(() => document);
	if (!find('#content', page)) return location.assign(path);
	for (const part of ['.links', 'main']) find(part).replaceWith(find(part, page));
	history.replaceState(null, '', path);
	start();
	await show(true);
}

function start() {
	onSubmit(find('.logout'), () => logout().catch(() => {})); // it goes on, and the status says so
	addEventListener('click', (/** @type {any} */ event) => {
		if (event.target.matches('.trouble button')) show(true);
		const link = linkTo(event.target.closest('a')?.getAttribute('href') ?? '');
		if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
		event.preventDefault();
		if (link.pathname !== location.pathname) history.pushState(null, '', link.pathname);
		show(true);
	});
	addEventListener('popstate', () => {
		const link = linkTo();
		if (!link) location.reload();
		else if (!link.ariaCurrent) show(true);
	});
	addEventListener('online', () => find('#content .trouble') && show());
	addEventListener('pageshow', ({ persisted }) => persisted && show());
	onChange(({ status }) => {
		if (status === 'unknown' || status === 'logged_in') return;
		find('#content').hidden = true;
		turn += 1; // what is being loaded belongs to the session before
		clearTimeout(retry);
		if (status === 'changed') show();
		else if (status === 'logout_pending') trouble('#not-logged-out');
		else if (status === 'logged_out') location.replace('/login?notice=logged_out');
		else if (status === 'session_ended') {
			location.replace(`/login?notice=session_ended&next=${encodeURIComponent(location.pathname)}`);
		}
	});
}

rememberNonce(find('meta[name=dpop-nonce]')?.content);
const door = find('form[data-form]');
if (door) {
	onFilled(door, async ({ email, password, remember, next }) => {
		const isNew = door.dataset.form === 'register';
		if (isNew) await register({ email, password });
		await login({ email, password, remember: !!remember }).catch((error) => {
			if (isNew) location.assign('/login');
			else if (error.status) find('#password').value = '';
			throw error;
		});
		// Only a path of this site, in printable ASCII without backslashes.
		await enter(/^\/(?!\/)[!-[\]-~]*$/.test(next) ? next : '/account');
	});
}
if (find('#content')) {
	start();
	show();
}
