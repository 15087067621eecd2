export { Webhook, type WebhookOptions, type WebhookSettings } from './webhook.ts'
