/** A page's own script: says whether injected script ran, and what the policy stopped. */

/** @type {string[]} */ const stopped = [];
document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => stopped.push(effectiveDirective));
addEventListener('load', () => setTimeout(() => {
	const { ran = '' } = document.documentElement.dataset;
	const run = new URLSearchParams(location.search).get('lab_run');
	fetch(`/lab/attacker-site/said?lab_run=${run}`, { method: 'POST', body: JSON.stringify({ from: 'guarded', ran, stopped }) });
}, 100));
