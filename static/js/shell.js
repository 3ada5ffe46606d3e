/** The account pages. A move among them fetches a fragment, and keeps the document with the token. */

import { authorizedFetch, logout, onChange } from './session.js';
import { find, findAll, onSubmit, parse, showTimes } from './dom.js';

let showing = 0; // grows, so a late answer is noticed
let retry = 0;

/** The link to an account page. */
const sectionLink = (path = location.pathname) => find(`.sections a[href="${CSS.escape(path)}"]`);

/** Shows the page of the address; a move focuses its heading. */
async function show(isMove = false) {
	const mine = ++showing;
	const link = sectionLink();
	clearTimeout(retry);
	find('.sections [aria-current]').ariaCurrent = null;
	link.ariaCurrent = 'page';
	try {
		const { body } = await parse(await authorizedFetch(link.dataset.fragment));
		const views = await viewsOf(body);
		if (mine !== showing) return;
		fill(body);
		for (const { root, view } of views) view.default(root, show);
		const heading = find('#content h1');
		document.title = `${heading.textContent} – ${find('.word').textContent}`;
		if (isMove) heading.focus();
	} catch (/** @type {any} */ { code, status, retryAfter = 0 }) {
		if (mine !== showing || code === 'session_ended' || code === 'logging_out') return; // the status says it
		if (code === 'reauthentication_cancelled') return fillFrom('#unconfirmed');
		fillFrom(code === 'unreachable' && !status ? '#offline' : '#failed');
		retry = setTimeout(show, Math.max(retryAfter, 4) * 1000 * (1 + Math.random() / 4));
	}
}

/** The parts of a fragment with a module. @param {HTMLElement} body */
function viewsOf(body) {
	const roots = findAll('[data-view]:not([data-view=""])', body);
	return Promise.all(roots.map(async (root) => ({ root, view: await load(root.dataset.view) })));
}

/** Loads a static file, in the version of this script. @param {string} name */
function load(name) {
	const { origin, pathname } = new URL(name, location.href);
	const path = pathname.replace(/^\/static\/(v-\w{12}\/)?/, '../');
	if (origin !== location.origin || path === pathname) throw Error(name);
	return import(path);
}

/** @param {ParentNode} content */
function fill(content) {
	const place = find('#content');
	place.replaceChildren(...content.childNodes);
	place.hidden = false;
	showTimes(place);
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
	const link = sectionLink(event.target.closest('a')?.getAttribute('href') ?? '');
	if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
	event.preventDefault();
	if (link.pathname !== location.pathname) history.pushState(null, '', link.pathname);
	show(true);
}

/** Makes this an account page. */
export function start(isMove = false) {
	onSubmit(find('.logout'), () => logout().catch(() => {})); // it goes on, and the status says so
	addEventListener('click', follow);
	addEventListener('popstate', () => {
		const link = sectionLink();
		if (!link) location.reload();
		else if (!link.ariaCurrent) show(true);
	});
	addEventListener('online', () => find('#content .trouble') && show());
	addEventListener('pageshow', ({ persisted }) => persisted && show());
	onChange(({ status }) => {
		if (status === 'unknown' || status === 'logged_in') return;
		find('#content').hidden = true;
		showing += 1; // what is loading is of the former session
		clearTimeout(retry);
		ON_STATUS[status]?.();
	});
	return show(isMove);
}

if (find('#content')) start(); // else the form that logs in does it
