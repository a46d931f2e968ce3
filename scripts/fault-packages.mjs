// `npm run test:faults` turns the clock: with Debian's faketime, installed where it is missing.
import { spawnSync } from 'node:child_process'
import { installDebianPackages } from './system-packages.mjs'

if (spawnSync('dpkg', ['-s', 'faketime'], { stdio: 'ignore' }).status !== 0) installDebianPackages(['faketime'])
