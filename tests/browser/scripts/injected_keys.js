// What injected script has: `plant` puts a key of its own in place of this browser's, `copy` takes
// the one that is there, and `refresh` uses either. Returns a thumbprint, or status and code.
window.done = request => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
window.store = async () => {
  const opening = indexedDB.open('latchkey');
  opening.onupgradeneeded = () => opening.result.createObjectStore('keys');
  return (await done(opening)).transaction('keys', 'readwrite').objectStore('keys');
};
window.base64url = bytes =>
  new Uint8Array(bytes).toBase64({ alphabet: 'base64url', omitPadding: true });
window.text = value => new TextEncoder().encode(value);
window.thumbprint = async ({ publicKey }) => {
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const members = text(JSON.stringify({ crv, kty, x, y }));
  return base64url(await crypto.subtle.digest('SHA-256', members));
};
window.plant = async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  window.loot = await crypto.subtle.generateKey(algorithm, false, ['sign']);
  const keys = await store();
  keys.clear();
  await done(keys.put(loot, 1));
  await done((await store()).put({ ...loot, since: Date.now() + 1e9 }, 'zzz'));
  return thumbprint(loot);
};
window.copy = async () => thumbprint(window.loot = await done((await store()).get(1)));
window.refreshByLoot = async () => {
  const nonce = (await fetch('/auth/sessions')).headers.get('dpop-nonce');
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', loot.publicKey);
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } };
  const claims = { jti: crypto.randomUUID(), htm: 'POST', htu: location.origin + '/auth/refresh',
    iat: Math.floor(Date.now() / 1000), nonce };
  const signed = [header, claims].map(part => base64url(text(JSON.stringify(part)))).join('.');
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const signature = await crypto.subtle.sign(algorithm, loot.privateKey, text(signed));
  const dpop = `${signed}.${base64url(signature)}`;
  const answer = await fetch('/auth/refresh', { method: 'POST', headers: { dpop } });
  return [answer.status, (await answer.json()).code ?? ''];
};
