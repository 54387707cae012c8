// Names that rarely change (zones, teams), asked for once and kept for the session.

const kept = {};

async function once(name, load) {
  kept[name] ??= load().catch((problem) => {
    delete kept[name];
    throw problem;
  });
  return kept[name];
}

async function everyPage(api, path) {
  const items = [];
  let cursor;
  do {
    const answer = await api.get(path, { limit: 200, ...(cursor ? { cursor } : {}) });
    items.push(...answer.items);
    cursor = answer.page.next;
  } while (cursor);
  return items;
}

export const teams = (api) => once('teams', () => everyPage(api, '/api/auth/teams'));

/** Map of team id to name, in the order of names. */
export const teamNames = async (api) =>
  new Map((await teams(api)).toSorted((a, b) => a.name.localeCompare(b.name)).map((team) => [team.id, team.name]));

export const zoneNames = (api) => once('zones', async () => {
  const { items } = await api.get('/api/zones');
  return items.map((zone) => zone.name).toSorted((a, b) => a.localeCompare(b));
});
