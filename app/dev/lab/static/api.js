/** @import { BrowserRun, Report, Run, Seen, Side, WeakenedSession } from './types.d.ts' */

const UNREACHABLE = 'The server could not be reached. Check that it still runs, then try again.';

/**
 * @param {string} path
 * @returns {Promise<any>} the JSON of the answer, which each function below gives its type
 */
async function ask(path, method = 'POST') {
	const answer = await fetch(`/lab/${path}`, { method, headers: { accept: 'application/json' } }).catch(() => {
		throw Error(UNREACHABLE);
	});
	const body = await answer.json().catch(() => ({}));
	if (!answer.ok) throw Error(body.detail ?? `The server answered ${answer.status}.`);
	return body;
}

/** @param {string} slug @param {Side} side @returns {Promise<Run>} */
export const attack = (slug, side) => ask(`${slug}/run?side=${side}`);

/** @returns {Promise<BrowserRun>} */
export const open = () => ask('browser');

/** @param {string} run @returns {Promise<(Seen | Report)[]>} */
export const seen = async (run) => (await ask(`browser/${run}`, 'GET')).seen;

/** @param {string} run */
export const close = (run) => ask(`browser/${run}/close`);

/**
 * Asks a weakened page.
 *
 * @param {string} run
 * @param {string} name
 * @param {string} [method]
 * @returns {Promise<WeakenedSession>}
 */
export const weakened = (run, name, method) => ask(`attacker-site/weakened/${name}?lab_run=${run}`, method);
