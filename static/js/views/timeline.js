/** A line of the timeline: a request of this document, and who attached which of its headers. */

import { element } from '../dom.js';

/** @typedef {import('./exchanges.js').Exchange} Exchange */

/** @typedef {[header: string, by: string, note: string, kind?: string]} Row */

/** When something happened, by the reader's clock. @param {number} at by performance.now() */
export const timeOfDay = (at) => new Date(performance.timeOrigin + at).toTimeString().slice(0, 8);

/** What a request did with tokens, in a few characters. @param {Exchange} exchange */
function summaryOf({ record, cookie, bearer, newCookie, newBearer, path }) {
	if (!record.status) return 'no answer';
	if (path === '/auth/refresh' && newCookie) return `${cookie} → ${newCookie}, ${newBearer}`;
	const brought = [newCookie, newBearer].filter(Boolean).join(', ');
	const carried = bearer ? `with ${bearer}` : '';
	return brought ? `${carried} → ${brought}`.trim() : carried;
}

/** What was sent. @param {Exchange} exchange @returns {Row[]} */
function sent({ record, cookie, bearer }) {
	const isRead = record.method === 'GET';
	return [
		['Cookie: ' + (cookie || 'of an earlier session, if any'), 'browser', 'Attached by itself. It is HttpOnly: no script reads or sets it.', 'live'],
		['Sec-Fetch-Site: same-origin', 'browser', 'Where the request comes from. No page can write it.'],
		...(isRead ? [] : [/** @type {Row} */ (['Origin: ' + location.origin, 'browser', 'The same, for requests that change something.'])]),
		...(bearer ? [/** @type {Row} */ (['Authorization: ' + bearer, 'script', 'Attached by session.js, from its memory.', 'live'])] : []),
		...(record.isProven ? [/** @type {Row} */ (['DPoP: a proof', 'key', 'Signed for this one request by a key that cannot be copied.', 'safe'])] : []),
	];
}

/** What came back. @param {Exchange} exchange @returns {Row[]} */
function received({ newCookie, newBearer }) {
	/** @type {Row[]} */
	const rows = [];
	if (newCookie) rows.push(['Set-Cookie: ' + newCookie, 'to the browser', 'It goes into the cookie jar, past all script.', 'live']);
	if (newBearer) rows.push(['access_token: ' + newBearer, 'to session.js', 'It goes into a variable, and is stored nowhere.', 'live']);
	return rows;
}

/** @param {string} title @param {Row[]} rows */
function part(title, rows) {
	const list = element('ul', ...rows.map(([header, by, note, kind = '']) => {
		const row = element('li', element('code', header), classed('span', 'chip plain', by), element('em', note));
		row.className = kind;
		return row;
	}));
	return rows.length ? [element('h3', title), list] : [];
}

/** Draws a request. @param {Exchange} exchange */
export function line(exchange) {
	const { record, path } = exchange;
	const { status, method, sentAt, endedAt } = record;
	const summary = element(
		'summary',
		classed('span', 'at', timeOfDay(sentAt)),
		element('b', `${method} ${path}`),
		classed('span', 'chip plain', status ? String(status) : 'failed'),
		classed('span', 'what', summaryOf(exchange)),
		classed('span', 'ms', `${Math.round(endedAt - sentAt)} ms`),
	);
	const headers = classed('div', 'headers', ...part('Sent', sent(exchange)), ...part('Received', received(exchange)));
	return element('li', element('details', summary, headers));
}

/** @param {string} tag @param {string} className @param {(string | Node)[]} children */
function classed(tag, className, ...children) {
	const made = element(tag, ...children);
	made.className = className;
	return made;
}
