/** The script of the weakened page: it keeps its token where any script can read it. */

/** @param {string} token */
function keep(token) {
	localStorage.setItem('lab-token', token);
}

const run = new URLSearchParams(location.search).get('lab_run');
const answer = await fetch(`/lab/browser/${run}/token`, { method: 'POST' });
const { access_token } = await answer.json();
keep(access_token);
dispatchEvent(new Event('inside'));

export {};
