// The service with the twin of its gateway, over TLS, and a server that follows scripts: started from the repository.
import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = process.env.BAYAR_ROOT ?? path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');

// The output of `python -m tests.conformance.serve`, and the way to end it.
export async function startServers() {
  const python = process.env.BAYAR_PYTHON ?? path.join(ROOT, '.venv/bin/python');
  const child = spawn(python, ['-m', 'tests.conformance.serve'], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for await (const line of readline.createInterface({ input: child.stdout })) {
    return {
      told: JSON.parse(line),
      stop: () => {
        child.stdin.end();
        return ended;
      },
    };
  }
  throw new Error('The servers did not start.');
}
