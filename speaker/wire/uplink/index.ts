/** Whether segments still lead somewhere, and what follows where they do not. */
export { Uplinks, type UplinksOptions } from './uplinks.ts'
