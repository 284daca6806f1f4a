// Fetches one package of an exact version with the ordinary npm client, into a temporary folder that is removed at exit.
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

export function fetchPackage(spec) {
    const folder = mkdtempSync(join(tmpdir(), 'npm-package-'));
    process.on('exit', () => rmSync(folder, {recursive: true, force: true}));
    execFileSync('npm', ['pack', '--silent', spec], {cwd: folder, stdio: ['ignore', 'ignore', 'inherit']});
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    execFileSync('tar', ['xzf', archive], {cwd: folder});
    return join(folder, 'package');
}
