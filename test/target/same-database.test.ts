import { expect, it } from 'vitest'
import { targetOfUrl } from '../../src/target/resolve.ts'
import { isSameDatabase } from '../../src/target/same-database.ts'

function targetOf(url: string) {
  const target = targetOfUrl(url, '/elsewhere', 'test')
  if ('problem' in target) throw new Error(target.problem)
  return target
}

/** `/var/run` is a link to `/run`, and `/home/ada/shop` one to `/data/shop`. */
function realPath(path: string): string {
  return path.replace(/^\/var\/run\//, '/run/').replace(/^\/home\/ada\/shop\//, '/data/shop/')
}

it.each<[boolean, string, string]>([
  [true, 'postgres://app@db/shop', 'postgres://root@db:5432/shop'],
  [true, 'postgres://localhost/shop', 'postgres://[::1]/shop'],
  [true, 'postgres:///shop?host=/run/postgresql', 'postgres://127.0.0.1/shop'],
  [true, 'postgres:///shop?host=/run/postgresql', 'postgres:///shop?host=/var/run/postgresql'],
  [true, 'postgres:///shop', 'postgres:///shop?host=/tmp'],
  [true, 'mysql://localhost/shop', 'mysql://127.0.0.1/shop'],
  [true, 'mysql://localhost/shop?socket=/run/mysqld.sock', 'mysql://127.0.0.1/shop'],
  [true, 'sqlite:///home/ada/shop/a.sqlite', 'sqlite:///data/shop/a.sqlite'],
  [false, 'postgres://db/shop', 'postgres://db/shop_test'],
  [false, 'postgres://localhost/shop', 'postgres://localhost/shop_test'],
  [false, 'postgres://localhost/shop', 'postgres://localhost:5433/shop'],
  [false, 'postgres://localhost/shop', 'postgres://db/shop'],
  [false, 'postgres:///shop?host=/run/postgresql', 'postgres:///shop?host=/tmp'],
  [false, 'mysql://127.0.0.1/shop', 'mysql://127.0.0.1:3307/shop'],
  [false, 'mysql://127.0.0.1/shop', 'postgres://127.0.0.1:3306/shop'],
  [false, 'sqlite:///data/shop/a.sqlite', 'sqlite:///data/shop/b.sqlite'],
  [false, 'sqlite:///data/shop/a.sqlite', 'mysql://127.0.0.1/shop'],
])('%s: %s and %s', (same, one, other) => {
  expect(isSameDatabase(targetOf(one), targetOf(other), realPath)).toBe(same)
  expect(isSameDatabase(targetOf(other), targetOf(one), realPath)).toBe(same)
})
