/**
 * A log-out that the server may not have heard of. The wish to log out is stored, so that whichever
 * page of this browser can reach the server tells it: this one, another tab, or the one after a
 * reload. Until then no page refreshes, so that a bad network undoes no log-out.
 */

import { NoStorage, deleteAll, hasLogoutWish, storeLogoutWish } from './store.js';
import { refusal, request, sleep, unreachable, withTabLock } from './transport.js';

/** @import { AccessToken } from './internal.d.ts' */

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/**
 * @typedef {'logging_out' | 'logout_pending' | 'logged_out' | 'changed'} LogoutStatus
 *     as the Status in session.js; `changed`: another tab told the server, or somebody logged in
 * @typedef {{ isStored: boolean }} Unfinished `isStored`: the wish is in the store, so that its absence
 *     means something
 */

/**
 * Whether the server may not know of a log-out.
 *
 * @returns {Promise<boolean>}
 * @throws {import('./transport.js').SessionError} `unreachable` when the store does not answer
 */
export async function isLogoutWanted() {
	try {
		return await hasLogoutWish();
	} catch (error) {
		if (error instanceof NoStorage) return false;
		throw unreachable();
	}
}

/**
 * Ends the session by its cookie. The access token helps where the cookie is gone.
 *
 * @param {AccessToken | null} token
 */
async function tellServer(token) {
	const response = await request('/auth/logout', { method: 'POST', keepalive: true }, token, token?.key ?? null);
	if (!response.ok) throw refusal(response, {});
}

/**
 * Makes the log-out of this page.
 *
 * @param {(status: LogoutStatus) => void} report
 * @param {(message: 'logging_out' | 'logged_out') => void} broadcast to the other tabs
 */
export function makeLogout(report, broadcast) {
	/**
	 * A later log-out takes its place, and a log-in leaves null. Whoever works on the former one
	 * compares, and stops.
	 *
	 * @type {Unfinished | null}
	 */
	let unfinished = null;

	/** @param {boolean} isStored */
	function begin(isStored) {
		const mine = { isStored };
		unfinished = mine;
		report('logging_out');
		return mine;
	}

	/** @param {Unfinished} mine */
	async function finish(mine) {
		if (unfinished !== mine) return;
		await deleteAll().catch(() => {}); // at worst the next page logs out once more
		if (unfinished !== mine) return;
		broadcast('logged_out');
		unfinished = null;
		report('logged_out');
	}

	/** @param {Unfinished} mine */
	async function tellOnce(mine) {
		if (unfinished !== mine) return;
		if (mine.isStored && !await isLogoutWanted()) { // another tab told it, or somebody logged in
			unfinished = null;
			return report('changed');
		}
		await tellServer(null);
		await finish(mine);
	}

	/**
	 * Goes on until the server has heard, or a log-in came first.
	 *
	 * @param {Unfinished} mine
	 * @param {number} pause in milliseconds before the first attempt
	 */
	async function tellUntilHeard(mine, pause) {
		while (unfinished === mine) {
			const online = new Promise((resolve) => addEventListener('online', resolve, { once: true }));
			await Promise.race([sleep(pause), online]);
			try {
				await withTabLock(() => tellOnce(mine));
			} catch (/** @type {any} */ error) {
				pause = Math.min(error.retryAfter * 1000 || 2 * pause + FIRST_PAUSE_MS, MAX_PAUSE_MS);
				if (unfinished === mine) report('logout_pending');
			}
		}
	}

	return {
		isUnfinished: () => unfinished !== null,

		/** A log-in came later, and its session stays. */
		cancel() {
			unfinished = null;
		},

		/**
		 * The user asks for it.
		 *
		 * @param {AccessToken | null} token
		 * @throws {import('./transport.js').SessionError} when the server has not heard of it yet: this goes
		 *     on in the background
		 */
		async start(token) {
			const mine = begin(false);
			await storeLogoutWish().then(() => (mine.isStored = true), () => {}); // else this page alone remembers
			broadcast('logging_out');
			try {
				await tellServer(token);
			} catch (error) {
				if (unfinished === mine) {
					report('logout_pending');
					tellUntilHeard(mine, FIRST_PAUSE_MS);
				}
				throw error;
			}
			await finish(mine);
		},

		/** Another tab was asked; whichever reaches the server first finishes it. */
		follow() {
			if (unfinished) return;
			const mine = begin(false);
			isLogoutWanted().then((isWanted) => (mine.isStored = isWanted), () => {});
			tellUntilHeard(mine, FIRST_PAUSE_MS);
		},

		/** The wish was found in the store: a page that is gone left it, or another tab is at it. */
		resume() {
			if (!unfinished) tellUntilHeard(begin(true), 0);
		},
	};
}
