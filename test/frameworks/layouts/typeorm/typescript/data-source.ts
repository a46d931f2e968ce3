// @ts-nocheck: its packages are installed when it is tested
import { DataSource } from 'typeorm'

const name: string = process.env['SHOP'] ?? 'shop_dev'

export const source: DataSource = new DataSource({ type: 'mysql', host: 'localhost', username: 'app', database: name })
