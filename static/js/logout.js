/**
 * A log-out that the server may not have heard of. The wish is stored, so that any page can tell the
 * server, also after a reload. Until then no page refreshes.
 */

import { LOGOUT_WISH, transact } from './dpop.js';
import { refusal, request, sleep, withTabLock } from './transport.js';

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

export const isLogoutWanted = async () => !!await transact((store) => store.get(LOGOUT_WISH));

/** `broadcast` tells the other tabs. @type {MakeLogout} */
export function makeLogout(report, broadcast) {
	/** A later log-out replaces it, a log-in clears it; what is under way then stops. @type {Unfinished | null} */
	let unfinished = null;

	function begin(isStored = false) {
		const mine = { isStored };
		unfinished = mine;
		report('logging_out');
		return mine;
	}

	/** @param {Unfinished} mine @param {AccessToken | null} token helps where the cookie is gone */
	async function tell(mine, token) {
		const response = await request('/auth/logout', { method: 'POST', keepalive: true }, token);
		if (!response.ok) throw refusal(response, {});
		if (unfinished !== mine) return;
		await transact((store) => store.clear()).catch(() => {}); // at worst the next page tells it again
		if (unfinished !== mine) return;
		broadcast('logged_out');
		unfinished = null;
		report('logged_out');
	}

	/** @param {Unfinished} mine */
	async function tellIfWanted(mine) {
		if (unfinished !== mine) return;
		if (!mine.isStored || await isLogoutWanted()) return tell(mine, null);
		unfinished = null; // another tab told it, or somebody logged in
		report('changed');
	}

	/** @param {Unfinished} mine @param {number} pause */
	async function tellUntilHeard(mine, pause) {
		while (unfinished === mine) {
			const online = new Promise((resolve) => addEventListener('online', resolve, { once: true }));
			await Promise.race([sleep(pause), online]);
			try {
				await withTabLock(() => tellIfWanted(mine));
			} catch (/** @type {any} */ error) {
				pause = Math.min(error.retryAfter * 1000 || 2 * pause + FIRST_PAUSE_MS, MAX_PAUSE_MS);
				if (unfinished === mine) report('logout_pending');
			}
		}
	}

	return {
		isUnfinished: () => unfinished !== null,

		cancel() {
			unfinished = null;
		},

		/** Rejects when the server has not heard, and goes on. */
		async start(token) {
			const mine = begin();
			const stored = await transact((store) => store.put(true, LOGOUT_WISH)).catch(() => undefined);
			mine.isStored = stored !== undefined; // else this page alone remembers
			broadcast('logging_out');
			try {
				await tell(mine, token);
			} catch (error) {
				if (unfinished === mine) {
					report('logout_pending');
					tellUntilHeard(mine, FIRST_PAUSE_MS);
				}
				throw error;
			}
		},

		/** Another tab was asked. */
		follow() {
			if (unfinished) return;
			const mine = begin();
			isLogoutWanted().then((isWanted) => (mine.isStored = isWanted), () => {});
			tellUntilHeard(mine, FIRST_PAUSE_MS);
		},

		/** The wish was found in the store. */
		resume() {
			if (!unfinished) tellUntilHeard(begin(true), 0);
		},
	};
}
