/**
 * What has to outlive the page, in IndexedDB: this browser's keys, and the wish to log out until
 * the server has heard of it. No token is ever kept.
 */

/** Names: the wish, the key of the session, and from there on pending keys by random texts. */
const WISH = 0;
export const CURRENT = 1;

const TIMEOUT_MS = 5_000;

/** What opening a database throws where there is none to be had, as in some private modes. */
const NO_STORAGE = new Set(['ReferenceError', 'TypeError', 'SecurityError', 'InvalidStateError', 'NotSupportedError']);

/** This browser keeps nothing; waiting does not help. */
export class NoStorage extends Error {}

/** @returns {Promise<any>} the result of a request; rejects after 5 s, too */
const done = (request) =>
	new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
		setTimeout(reject, TIMEOUT_MS, Error('The database does not answer.'));
	});

/** @returns {Promise<IDBDatabase>} */
async function open() {
	try {
		const opening = indexedDB.open('latchkey');
		opening.onupgradeneeded = () => opening.result.createObjectStore('keys');
		return await done(opening);
	} catch (error) {
		throw NO_STORAGE.has(error.name) ? new NoStorage(error.message) : error;
	}
}

/**
 * One transaction, all of it or nothing.
 *
 * @param {(store: IDBObjectStore) => IDBRequest} act
 * @returns {Promise<any>} the result of the request that `act` returned, its last one
 * @throws {NoStorage} where nothing can be kept
 * @throws {Error} any other: just now it cannot be reached, or it is full
 */
async function transact(act, isFirst = true) {
	const database = await open();
	try {
		return await done(act(database.transaction('keys', 'readwrite').objectStore('keys')));
	} catch (error) {
		if (error.name !== 'NotFoundError' || !isFirst) throw error;
		database.close(); // script has put another in its place
		await done(indexedDB.deleteDatabase('latchkey'));
		return transact(act, false);
	} finally {
		database.close();
	}
}

/**
 * Reads all keys.
 *
 * @returns {Promise<{ current: any, pending: any[] }>} script can have put anything there
 * @throws as `transact`
 */
export async function readKeys() {
	const [current, ...pending] = await transact((store) => store.getAll(IDBKeyRange.lowerBound(CURRENT)));
	return current?.since ? { current: undefined, pending: [current, ...pending] } : { current, pending };
}

/** @returns {Promise<any>} @throws as `transact` */
export const readKey = (name) => transact((store) => store.get(name));

/** Stores a key under a name. @throws as `transact` */
export const writeKey = (name, pair) => transact((store) => store.put(pair, name));

/** Stores the session's key; rejects when there is one: of two tabs the first one's is kept. */
export const addCurrentKey = (pair) => transact((store) => store.add(pair, CURRENT));

/** @throws as `transact` */
export const deleteKey = (name) => transact((store) => store.delete(name));

/**
 * Makes a key the only one, or leaves none.
 *
 * @param {any} pair null for none
 * @param {boolean} isLogin a log-in also ends the wish to log out, in the same transaction
 * @throws as `transact`
 */
export const replaceKeys = (pair, isLogin) =>
	transact((store) => {
		const cleared = store.delete(IDBKeyRange.lowerBound(isLogin ? WISH : CURRENT));
		return pair ? store.put(pair, CURRENT) : cleared;
	});

/** Remembers that the user asked to be logged out. @throws as `transact` */
export const rememberLogout = () => transact((store) => store.put(true, WISH));

/** @returns {Promise<boolean>} @throws as `transact` */
export const logoutIsWanted = async () => !!await transact((store) => store.get(WISH));

/** Forgets everything: the session is over. @throws as `transact` */
export const forgetAll = () => transact((store) => store.clear());
