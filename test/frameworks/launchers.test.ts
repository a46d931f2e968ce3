import { expect, test } from 'vitest'
import { project, seen } from './seeing.ts'

const folder = project({ '.env': 'A=plain\n', '.env.b': 'A=b\nB=${A}\n', 'sub/x': '' })
const composed = project({ 'compose.yaml': '' })
const outer = { A: 'outer', PATH: '/bin' }

type Row = [command: string, expected: string]

test.each<Row>([
  ['env A=1 B=2 x y', 'A=1 B=2 x y'],
  ['env -i A=1 x', 'A=1 -PATH x'],
  ['env - A=1 x', 'A=1 -PATH x'],
  ['env -u A x', '-A x'],
  ['env -uA x', '-A x'],
  ['env -C sub x', 'in sub: x'],
  ['env -S "A=1 x"', '? env -S splits a text by rules of its own'],
  ['env -- x', 'x'],
  ['env', 'env'],
  ['cross-env A=1 env B=2 x', 'A=1 B=2 x'],
  ['cross-env-shell A=1 "x && y"', 'A=1 x|A=1 y'],
  // dotenv-cli: the environment wins, so the files are only named.
  ['dotenv -- x', '[.env] x'],
  ['dotenv -e .env.b -e .env x -e z', '[.env.b .env] x -e z'],
  ['npx dotenv -e .env.b -- x', '[.env.b] x'],
  ['dotenv -v A=1 -- x', 'A=1 [.env] x'],
  ['dotenv -c test -- x', '[.env.test.local .env.local .env.test .env] x'],
  ['dotenv -c -- x', '[.env.local .env] x'],
  ['dotenv -o -e .env.b -- x', 'A=b B=outer x'],
  // python-dotenv: the file wins.
  ['dotenv -f .env.b run -- x', 'A=b B=outer x'],
  ['dotenv -f .env.b run --no-override x', '[.env.b] x'],
  ['dotenvx run -f .env.b -- x', '[.env.b] x'],
  ['dotenvx run --overload -f .env.b -- x', 'A=b B=outer x'],
  ['dotenvx encrypt', 'dotenvx encrypt'],
  // env-cmd: the file wins.
  ['env-cmd x', 'A=plain x'],
  ['env-cmd -f .env.b x', 'A=b B=outer x'],
  ['env-cmd --no-override -f .env.b x', '[.env.b] x'],
  ['env-cmd -e test x', '? env-cmd reads an environment from its own configuration'],
  ['node --env-file=.env.b a.js', '[.env.b] node a.js'],
  ['node --env-file .env --env-file=.env.b a.js x', '[.env.b .env] node a.js x'],
  ['node a.js', 'node a.js'],
  ['node -e "code()"', 'node -e code()'],
  ['node node_modules/.bin/knex migrate:latest', 'node_modules/.bin/knex migrate:latest'],
  ['node --env-file=.env.b node_modules/.bin/knex x', '[.env.b] node_modules/.bin/knex x'],
  ['tsx --env-file=.env.b a.ts', '[.env.b] node a.ts'],
  ['npx -y prisma@6.1.0 migrate dev', 'prisma migrate dev'],
  ['npx @scope/tool@2 x', '@scope/tool x'],
  ['npx -p knex -c "A=1 knex x"', 'A=1 knex x'],
  ['npx -w api knex x', '? npx runs it in a workspace'],
  ['bunx knex x', 'knex x'],
  ['sh -c "A=1 x; y"', 'A=1 x|y'],
  ['bash -euo pipefail -c "x && y"', 'x|y'],
  ['bash -lc x', 'x'],
  ['sh -c "x $1" sh y', '? the shell puts in what only it knows: x $1'],
  ['sh run.sh', 'sh run.sh'],
  ['concurrently -n a,b "php artisan serve" "y --z"', 'php artisan serve|y --z'.replace('php ', '')],
  ['concurrently "npm:watch-*"', '? it starts scripts by a pattern'],
  ['run-s a:* b', '? it starts scripts by a pattern'],
  ['php -d memory_limit=-1 artisan migrate', 'artisan migrate'],
  ['php8.3 -dmemory_limit=1 artisan migrate', 'artisan migrate'],
  ['php -r "code();"', 'php -r code();'],
  ['python -m pytest -k x', 'pytest -k x'],
  ['python3 -mpytest', 'pytest'],
  ['python -W ignore -m pytest -m slow', 'pytest -m slow'],
  ['python3.12 manage.py migrate', 'manage.py migrate'],
  ['python -c "code()"', 'python -c code()'],
  ['bundle exec rails db:migrate', 'rails db:migrate'],
  ['bundle install', 'bundle install'],
  ['ruby -Itest bin/rails test', 'bin/rails test'],
  ['poetry run python manage.py migrate', 'manage.py migrate'],
  ['poetry -C sub run pytest', 'in sub: pytest'],
  ['uv run --env-file .env --env-file .env.b -- pytest', '[.env.b .env] pytest'],
  ['uv --directory sub run pytest', 'in sub: pytest'],
  ['uv run -m pytest', 'pytest'],
  ['uv sync', 'uv sync'],
  // pipenv loads .env over the environment.
  ['pipenv run pytest', 'A=plain pytest'],
  ['timeout -k 5 60 nice -n 5 x', 'x'],
  ['time -p x', 'x'],
  ['sudo x', '? sudo changes the environment by rules that are not ours to read'],
  ['docker compose exec app php artisan migrate', '? it runs in a container, with an environment of its own'],
  ['symfony console doctrine:schema:drop', 'bin/console doctrine:schema:drop'],
  ['symfony php bin/phpunit', 'bin/phpunit'],
  ['symfony server:start', 'symfony server:start'],
  ['herd php artisan migrate', 'artisan migrate'],
  ['doppler run -- x', '? doppler gives it an environment of its own'],
  ['turbo run test', '? turbo runs tasks by a file of its own'],
  ['direnv exec . x', '? direnv loads an .envrc, which is a script'],
])('%s → %s', async (command, expected) => {
  expect((await seen(command, folder, outer)).join('|')).toBe(expected)
})

test('the symfony command reads what Compose runs', async () => {
  const found = await seen('symfony console doctrine:schema:drop', composed, outer)
  expect(found).toEqual(['? the symfony command hands on the variables of the Docker Compose services that run'])
})
