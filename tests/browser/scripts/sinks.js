// Written as the server's own files would be: real script, not the test driver's.
const sinks = {
  innerHTML: () => { document.createElement('p').innerHTML = '<b>x</b>'; },
  outerHTML: () => { document.body.firstElementChild.outerHTML = '<b>x</b>'; },
  insertAdjacentHTML: () => document.body.insertAdjacentHTML('beforeend', '<b>x</b>'),
  write: () => document.write('x'),
  writeln: () => document.writeln('x'),
  fragment: () => document.createRange().createContextualFragment('<b>x</b>'),
  parser: () => new DOMParser().parseFromString('<b>x</b>', 'text/html'),
  unsafe: () => document.createElement('p').setHTMLUnsafe('<b>x</b>'),
  parseUnsafe: () => Document.parseHTMLUnsafe('<b>x</b>'),
  srcdoc: () => { document.createElement('iframe').srcdoc = 'x'; },
  src: () => { document.createElement('script').src = '/static/js/credentials.js'; },
  text: () => { document.createElement('script').text = 'x'; },
  textContent: () => { document.createElement('script').textContent = 'x'; },
  handler: () => document.body.setAttribute('onclick', 'x'),
  worker: () => new Worker('/static/js/credentials.js'),
  shared: () => new SharedWorker('/static/js/credentials.js'),
  timeout: () => setTimeout('window.late = true'),
  interval: () => setInterval('window.late = true'),
  eval: () => eval('1'),
  function: () => new Function('return 1'),
  policy: () => trustedTypes.createPolicy('mine', { createHTML: text => text }),
  default: () => trustedTypes.createPolicy('default', { createHTML: text => text }),
  again: () => trustedTypes.createPolicy('latchkey-fragment', { createHTML: text => text }),
};
window.open_sinks = [];
for (const [name, use] of Object.entries(sinks)) {
  try {
    use();
    window.open_sinks.push(name);
  } catch {}
}
try {
  await navigator.serviceWorker.register('/static/js/credentials.js');
  window.open_sinks.push('serviceWorker');
} catch {}
document.body.dataset.tried = 'all';
