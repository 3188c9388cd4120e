import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mismatches, Runner } from './conformance.mjs';
import { startServers } from './servers.mjs';

test('every conformance case', async (all) => {
  const servers = await startServers();
  try {
    const runner = new Runner(servers.told);
    const cases = await runner.cases();
    assert.ok(cases.length > 40, `There are only ${cases.length} cases.`);
    for (const one of cases) {
      await all.test(one.id, async () => assert.deepEqual(await runner.problems(one), []));
    }
  } finally {
    await servers.stop();
  }
});

test('the comparison sees what differs', () => {
  const expected = { state: 'A', amount: { minor_units: '2500' }, list: [{ id: '1' }], gone: { $absent: true } };
  const seen = { state: 'B', amount: { minor_units: 2501 }, list: [], gone: 'here' };
  assert.equal([...mismatches(expected, seen, 'answer')].length, 4);
  assert.deepEqual([...mismatches(expected, { state: 'A', amount: { minor_units: 2500 }, list: [{ id: '1' }] }, 'a')], []);
});
