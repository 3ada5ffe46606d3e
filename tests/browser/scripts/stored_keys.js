async () => {
  const keys = await done((await store()).getAll());
  return Promise.all(keys.map(thumbprint));
}
