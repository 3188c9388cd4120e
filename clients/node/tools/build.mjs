// Compiles the package. npm installs no compiler beside a folder that another package names: then this does.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const COMPILER = path.join(FOLDER, 'node_modules/typescript/bin/tsc');

function run(...command) {
  execFileSync(process.execPath, command, { cwd: FOLDER, stdio: 'inherit' });
}

if (!existsSync(COMPILER)) {
  if (!process.env.npm_execpath) throw new Error('The compiler is not installed: run `npm ci` in the folder of this package.');
  run(process.env.npm_execpath, 'ci', '--ignore-scripts');
}
run(COMPILER);
