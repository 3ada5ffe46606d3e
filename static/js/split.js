/** The picture of the split: it shows a state, and lets a token travel between two places. */

import { element, find } from './dom.js';

const calm = matchMedia('(prefers-reduced-motion: reduce)');

/**
 * What the picture shows.
 *
 * @typedef {object} SplitState
 * @property {string} access the name of the access token in memory, '' for none
 * @property {string} refresh the name of the refresh token in the cookie jar, '' for none
 * @property {string[]} rail the names of the family's refresh tokens, the newest last
 * @property {boolean} [ended] whether the family is revoked
 * @property {string} [thief] which of `rail` somebody else used
 * @property {{memory?: string, jar?: string}} [wire] what travels on each of the two ways
 */

/** The picture in `root`. @param {HTMLElement} root */
export function split(root) {
	/** @param {string} selector @param {string} text @param {string} [className] */
	function set(selector, text, className) {
		const place = find(selector, root);
		if (!place) return;
		place.textContent = text;
		if (className) place.className = className;
	}

	/** @param {SplitState} state */
	function show({ access, refresh, rail, ended = false, thief = '', wire = {} }) {
		const kind = (/** @type {string} */ token) => `tok ${token && !ended ? 'live' : 'spent'}`;
		set('[data-tok=access]', access || 'none', kind(access));
		set('[data-tok=refresh]', refresh || 'none', kind(refresh));
		set('[data-row=jti]', rail.at(-1) ?? '–');
		set('[data-row=state]', ended ? 'revoked' : rail.length ? 'live' : '–');
		for (const [lane, idle] of /** @type {const} */ ([['memory', access], ['jar', refresh]])) {
			set(`[data-wire=${lane}]`, wire[lane] ?? idle);
			find(`[data-lane=${lane}]`, root).classList.toggle('on', lane in wire && !ended);
		}
		root.classList.toggle('ended', ended);
		find('[data-rail]', root).replaceChildren(...rail.map((name, at) => {
			const last = at === rail.length - 1;
			const item = element('li', name, hushed(last && !ended ? ' current' : last ? ' ended' : ' spent'));
			if (name === thief) {
				const branch = element('span', 'thief');
				branch.className = 'branch';
				item.append(branch);
			}
			return item;
		}));
	}

	/**
	 * Lets a token travel from one place to another: 240 ms, or not at all where motion is unwanted.
	 *
	 * @param {string} name @param {'live' | 'thief'} kind @param {string} from @param {string} to
	 */
	async function fly(name, kind, from, to) {
		if (calm.matches) return;
		const packet = find('.packet', root);
		const home = root.getBoundingClientRect();
		const middle = (/** @type {string} */ place) => {
			const { left, top, width, height } = find(place, root).getBoundingClientRect();
			return `${left - home.left + width / 2 - 20}px ${top - home.top + height / 2 - 12}px`;
		};
		const token = element('span', name);
		token.className = `tok ${kind}`;
		packet.replaceChildren(token);
		packet.hidden = false;
		const frames = { translate: [middle(from), middle(to)], opacity: [0.4, 1, 1] };
		await packet.animate(frames, { duration: 240, easing: 'ease-in-out' }).finished;
		packet.hidden = true;
	}

	/** Shows how much of the access token's life is left. @param {number} left @param {number} whole both in seconds */
	function drain(left, whole) {
		find('.ring .left', root).setAttribute('stroke-dasharray', `${100 * left / whole} 100`);
		const seconds = Math.max(Math.round(left), 0);
		set('[data-count]', seconds ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}` : 'spent');
	}

	return { show, fly, drain, set };
}

/** @param {string} text for those who listen */
function hushed(text) {
	const span = element('span', text);
	span.className = 'hush';
	return span;
}
