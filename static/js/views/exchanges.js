/**
 * Names the tokens that this document's requests carry and bring: R for refresh tokens, A for access
 * tokens. The names count, because no script sees a refresh token, and none shows an access token.
 */

/** @typedef {{ name: string, at: number }} Named a refresh token, and when it came; 0 for before this document */

/**
 * A request, with the names of its tokens.
 *
 * @typedef {object} Exchange
 * @property {RequestRecord} record
 * @property {string} path
 * @property {string} cookie the refresh token that the browser attached; '' where an earlier session's may have come
 * @property {string} bearer the access token that the module attached; '' without one
 * @property {string} newCookie the refresh token that came; '' for none
 * @property {string} newBearer the access token that came; '' for none
 */

const LOGIN = new Set(['/auth/login', '/auth/register/finish']);
const PASSWORD = '/auth/password';
const REFRESH = '/auth/refresh';
const REAUTHENTICATE = '/auth/reauthenticate';
const MAX_RAIL = 5;

let refreshCount = 0;
let accessCount = 0;

/** The newest refresh tokens of the family, the current one last. @type {Named[]} */
export let rail = [{ name: 'R0', at: 0 }];

/** The name of the access token in memory. */
export const access = () => (accessCount ? `A${accessCount}` : '');

/** Takes the next request. @param {RequestRecord} record @returns {Exchange} */
export function nameTokens(record) {
	const path = new URL(record.url, location.href).pathname;
	const isOk = record.status >= 200 && record.status < 300;
	const cookie = LOGIN.has(path) ? '' : (rail.findLast(({ at }) => at <= record.sentAt) ?? rail[0])?.name ?? '';
	// A token that was overtaken by a log-in or log-out does not count.
	accessCount = Math.max(accessCount, record.token ?? 0);
	const exchange = { record, path, cookie, bearer: record.token ? `A${record.token}` : '', newCookie: '', newBearer: '' };
	if (!isOk) return exchange;
	if (LOGIN.has(path) || path === PASSWORD || path === REFRESH) {
		exchange.newCookie = `R${refreshCount += 1}`;
		const next = { name: exchange.newCookie, at: record.endedAt };
		rail = path === REFRESH ? [...rail, next].slice(-MAX_RAIL) : [next];
	}
	if (exchange.newCookie || path === REAUTHENTICATE) exchange.newBearer = `A${accessCount += 1}`;
	return exchange;
}
