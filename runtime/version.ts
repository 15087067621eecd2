/**
 * The version of the programs, that of package.json: the chart, the manifests and the image take it from there too. The
 * bundler puts this one field into the programs (build/bundle.ts).
 */
import packageFile from '../package.json' with { type: 'json' }

export const VERSION = packageFile.version
