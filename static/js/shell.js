/**
 * The account pages. Moving among them keeps the document, and with it the access token: only the
 * content is replaced, by fragments that are fetched with the token.
 */

import { find, onSubmit, parse, relative } from './dom.js';
import { authorizedFetch, logout, onChange } from './session.js';

let showing = 0; // grows, so that an answer sees that it comes too late
/** @type {any} */ let retry;

/** When this document got its access tokens. @type {Date[]} */
export const tokenTimes = [];
let lastExpiresAt = 0;

/** @returns {any} the link of an account page in the list of them */
const sectionLink = (href = location.origin + location.pathname) =>
	[...document.querySelectorAll('.sections a')].find((/** @type {any} */ link) => link.href === href);

/**
 * Shows the account page that the address names.
 *
 * @param {boolean} [isMove] whether the focus moves to its heading
 */
async function show(isMove) {
	const mine = ++showing;
	const link = sectionLink();
	clearTimeout(retry);
	find('.sections [aria-current]').ariaCurrent = null;
	link.ariaCurrent = 'page';
	try {
		const { body } = await parse(await authorizedFetch(link.dataset.fragment));
		const view = await viewOf(body);
		if (mine !== showing) return;
		fill(body);
		view?.default(find('[data-view]'), show);
		const heading = find('#content h1');
		document.title = `${heading.textContent} – ${find('.name').textContent}`;
		if (isMove) heading.focus();
	} catch (/** @type {any} */ { code, status, retryAfter = 0 }) {
		if (mine !== showing || code === 'session_ended' || code === 'logging_out') return; // the status says it
		fillFrom(code === 'unreachable' && !status ? '#offline' : '#failed');
		retry = setTimeout(show, Math.max(retryAfter, 4) * 1000 * (1 + Math.random() / 4));
	}
}

/**
 * Loads the module that a fragment names in `data-view`, which has to be a static file of this site.
 * Its default export is called with the element and with `show`, which loads the fragment again.
 *
 * @param {HTMLElement} body
 */
async function viewOf(body) {
	const { view } = find('[data-view]', body)?.dataset ?? {};
	if (!view) return null;
	const { origin, pathname } = new URL(view, location.origin);
	if (origin !== location.origin || !pathname.startsWith('/static/')) throw Error('Not a static file.');
	return import(pathname);
}

/** @param {ParentNode} content */
function fill(content) {
	const place = find('#content');
	place.replaceChildren(...content.childNodes);
	place.hidden = false;
	for (const time of place.querySelectorAll('time')) {
		const date = new Date(time.dateTime || time.dataset.epoch * 1000);
		time.textContent = relative((date.getTime() - Date.now()) / 1000);
		time.title = date.toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' });
	}
}

/** @param {string} template */
const fillFrom = (template) => fill(find(template).content.cloneNode(true));

/** @type {Record<string, () => void>} */
const ON_STATUS = {
	changed: show,
	logout_pending: () => fillFrom('#not-logged-out'),
	logged_out: () => location.replace('/login?notice=logged_out'),
	session_ended: () => location.replace(`/login?notice=session_ended&next=${encodeURIComponent(location.pathname)}`),
};

/** @param {any} event */
function follow(event) {
	if (event.target.matches('.trouble button')) show(true);
	const link = sectionLink(event.target.closest('a')?.href ?? '');
	if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
	event.preventDefault();
	if (link.pathname !== location.pathname) history.pushState(null, '', link.pathname);
	show(true);
}

/**
 * Makes the document an account page.
 *
 * @param {boolean} [isMove] as for `show`
 */
export function start(isMove) {
	onSubmit(find('.logout'), () => logout().catch(() => {})); // it goes on, and the status says so
	addEventListener('click', follow);
	addEventListener('popstate', () => {
		const link = sectionLink();
		if (!link) location.reload();
		else if (!link.ariaCurrent) show(true);
	});
	addEventListener('online', () => find('#content .trouble') && show());
	addEventListener('pageshow', ({ persisted }) => persisted && show());
	onChange(({ status, expiresAt }) => {
		if (expiresAt && expiresAt !== lastExpiresAt) tokenTimes.push(new Date());
		lastExpiresAt = expiresAt || lastExpiresAt;
		if (status === 'unknown' || status === 'logged_in') return;
		find('#content').hidden = true;
		showing += 1; // what is being loaded belongs to the session before
		clearTimeout(retry);
		ON_STATUS[status]?.();
	});
	return show(isMove);
}
