/*
 * Stands in for PayPal's script that collects facts about the device. It collects nothing: braintree-web itself makes
 * the device data, and only waits until the script is there.
 */
