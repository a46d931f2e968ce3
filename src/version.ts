import packageFile from '../package.json' with { type: 'json' }

/** The version of db-seatbelt. */
export const toolVersion: string = packageFile.version
