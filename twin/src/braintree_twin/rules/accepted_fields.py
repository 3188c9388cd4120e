"""The fields of each request, and what the twin does with them. docs/fields.md is generated from here."""

from __future__ import annotations

from braintree_twin.request_schema import Effect, schema
from braintree_twin.rules.addresses import FIELDS as ADDRESS_FIELDS
from braintree_twin.rules.addresses import PHONE_FIELDS
from braintree_twin.rules.customers import FIELDS as CUSTOMER_FIELDS
from braintree_twin.rules.line_items import FIELDS as LINE_ITEM_FIELDS

PHONE = schema("country_code national_number")
ADDRESS = schema(
    " ".join(name for name in ADDRESS_FIELDS if name not in PHONE_FIELDS),
    no_effect="customer_id",
    international_phone=PHONE,
)
CUSTOM_FIELDS = schema(any_name=Effect.ACTED_ON)
DESCRIPTOR = schema("name phone url")
PASS_THRU = schema(
    "cavv ds_transaction_id eci_flag three_d_secure_version xid authentication_response cavv_algorithm "
    "directory_response",
    no_effect="network",
)
EXTERNAL_VAULT = schema(
    # The gateway shows no effect of these either.
    "status previous_network_transaction_id previous_mastercard_transaction_link_id",
    no_effect="network_transaction_id",
)
RISK_DATA = schema("customer_browser customer_device_id customer_ip customer_location_zip customer_tenure")

VERIFICATION_OPTIONS = schema(
    "verify_card verification_amount verification_merchant_account_id verification_account_type "
    "account_information_inquiry skip_advanced_fraud_checking",
    checked="verification_currency_iso_code",
)
CARD_OPTIONS = VERIFICATION_OPTIONS.extended(
    "make_default fail_on_duplicate_payment_method fail_on_duplicate_payment_method_for_customer "
    "us_bank_account_verification_method",
    no_effect="venmo_sdk_session adyen verification_add_ons",
    paypal=schema(no_effect="payee_email order_id custom_field description amount shipping"),
)
BILLING_ADDRESS = ADDRESS.extended(options=schema("update_existing"))
CARD = schema(
    "billing_address_id cardholder_name cvv expiration_date expiration_month expiration_year number token "
    "payment_method_nonce device_data",
    no_effect="venmo_sdk_payment_method_code device_session_id fraud_merchant_id external_vault customer_id",
    billing_address=BILLING_ADDRESS,
    options=CARD_OPTIONS,
    three_d_secure_pass_thru=PASS_THRU,
)
CREDIT_CARD = CARD.extended("customer_id")
MANDATE = schema("ach_mandate_text ach_mandate_accepted_at")
PAYMENT_METHOD = CREDIT_CARD.extended(
    "paypal_refresh_token", no_effect="paypal_vault_without_upgrade", us_bank_account=MANDATE
)
PAYPAL_ACCOUNT = schema(
    "token email billing_agreement_id", options=schema("make_default", no_effect="fail_on_duplicate_payment_method")
)
VAULTED_WALLET = schema(
    "number expiration_month expiration_year cardholder_name token google_transaction_id billing_address_id "
    "source_card_type source_card_last_four cryptogram",
    no_effect="eci_indicator customer_id network_transaction_id",
    billing_address=ADDRESS,
    options=VERIFICATION_OPTIONS.extended("make_default"),
)
CUSTOMER = schema(
    " ".join(name for name in CUSTOMER_FIELDS if name not in PHONE_FIELDS) + " id payment_method_nonce device_data",
    no_effect="device_session_id fraud_merchant_id tax_identifiers risk_data",
    international_phone=PHONE,
    custom_fields=CUSTOM_FIELDS,
    credit_card=CARD,
    apple_pay_card=VAULTED_WALLET,
    android_pay_card=VAULTED_WALLET,
    android_pay_network_token=VAULTED_WALLET,
    paypal_account=PAYPAL_ACCOUNT,
    three_d_secure_pass_thru=PASS_THRU,
    options=schema(paypal=schema(no_effect="payee_email order_id custom_field description amount shipping")),
)
CUSTOMER_UPDATE = CUSTOMER.extended(
    "default_payment_method_token", credit_card=CARD.extended(options=CARD_OPTIONS.extended("update_existing_token"))
)

LINE_ITEM = schema(" ".join(LINE_ITEM_FIELDS))
INDUSTRY = schema("industry_type data")
# Level 2 and level 3 data.
LEVEL_3 = schema(
    "purchase_order_number ships_from_postal_code tax_exempt tax_amount discount_amount shipping_amount "
    "shipping_tax_amount surcharge_amount",
    line_items=LINE_ITEM,
)
_PARTY = schema(
    "first_name middle_name last_name date_of_birth tax_id account_reference_number account_reference_number_type",
    address=ADDRESS,
)
_WALLET = schema(
    "number expiration_month expiration_year cardholder_name google_transaction_id source_card_type "
    "source_card_last_four cryptogram",
    no_effect="eci_indicator",
)
SALE_OPTIONS = schema(
    "add_billing_address_to_payment_method payee_id payee_email skip_advanced_fraud_checking skip_avs skip_cvv "
    "store_in_vault store_in_vault_on_success store_shipping_address_in_vault submit_for_settlement",
    no_effect="venmo_sdk_session amex_rewards venmo adyen processing_overrides hold_in_escrow",
    us_bank_account=schema("ach_type"),
    credit_card=schema("account_type process_debit_as_credit"),
    paypal=schema(
        "custom_field description payee_id payee_email recipient_email",
        no_effect="supplementary_data",
        recipient_phone=PHONE,
    ),
    three_d_secure=schema("required"),
)
SALE = LEVEL_3.extended(
    "accept_partial_authorization amount api_request_key billing_address_id channel currency_iso_code customer_id "
    "device_data foreign_retailer merchant_account_id order_id payment_method_nonce payment_method_token recurring "
    "sca_exemption service_fee_amount shared_billing_address_id shared_customer_id shared_payment_method_nonce "
    "shared_payment_method_token shared_shipping_address_id shipping_address_id subscription_id "
    "three_d_secure_authentication_id three_d_secure_token transaction_source type",
    checked="exchange_rate_quote_id processing_merchant_category_code product_sku",
    no_effect="acquirer_reference_number device_session_id fraud_merchant_id venmo_sdk_payment_method_code",
    us_bank_account=MANDATE,
    billing=ADDRESS,
    shipping=ADDRESS.extended("shipping_method"),
    credit_card=schema(
        "cardholder_name cvv expiration_date expiration_month expiration_year number token",
        network_tokenization_attributes=schema("cryptogram", no_effect="ecommerce_indicator token_requestor_id"),
        payment_reader_card_details=schema("encrypted_card_data key_serial_number"),
    ),
    customer=schema(
        " ".join(name for name in CUSTOMER_FIELDS if name not in PHONE_FIELDS) + " id", international_phone=PHONE
    ),
    custom_fields=CUSTOM_FIELDS,
    descriptor=DESCRIPTOR,
    options=SALE_OPTIONS,
    apple_pay_card=_WALLET,
    android_pay_card=_WALLET,
    paypal_account=schema("payee_id payee_email payer_id payment_id", no_effect="email token paypal_data"),
    external_vault=EXTERNAL_VAULT,
    installments=schema("count"),
    industry=INDUSTRY,
    risk_data=RISK_DATA,
    three_d_secure_pass_thru=PASS_THRU,
    transfer=schema("type", sender=_PARTY, receiver=_PARTY),
    payment_facilitator=schema(
        "payment_facilitator_id", sub_merchant=schema("reference_number tax_id legal_name", address=ADDRESS)
    ),
)
SUBMISSION = LEVEL_3.extended(
    "amount api_request_key order_id",
    no_effect="shipping_address_id",
    descriptor=DESCRIPTOR,
    industry=INDUSTRY,
    shipping=ADDRESS,
)
PARTIAL_SUBMISSION = SUBMISSION.extended("final_capture")
REFUND = schema("amount api_request_key order_id merchant_account_id", no_effect="surcharge_amount")
KEY_ONLY = schema("api_request_key")
ADJUSTMENT = schema("amount")
DETAILS = schema("amount order_id", descriptor=DESCRIPTOR)
CLONE = schema("amount channel", options=schema("submit_for_settlement"))
SHIPMENT = schema("carrier tracking_number", no_effect="notify_payer line_items")

VERIFICATION = schema(
    "payment_method_nonce three_d_secure_authentication_id",
    no_effect="intended_transaction_source",
    credit_card=schema(
        "number cvv cardholder_name expiration_date expiration_month expiration_year", billing_address=ADDRESS
    ),
    external_vault=EXTERNAL_VAULT,
    options=schema("account_type amount merchant_account_id account_information_inquiry"),
    risk_data=schema("customer_browser customer_ip"),
    three_d_secure_pass_thru=PASS_THRU,
)
CLIENT_TOKEN = schema(
    "version customer_id merchant_account_id",
    checked="domains",
    no_effect="address sepa_mandate_type sepa_mandate_acceptance_location",
    options=schema(
        "make_default verify_card fail_on_duplicate_payment_method fail_on_duplicate_payment_method_for_customer"
    ),
)
NONCE = schema(
    "authentication_insight merchant_account_id",
    authentication_insight_options=schema("amount recurring_customer_consent recurring_max_amount"),
)
MODIFICATIONS = schema(
    add=schema("amount inherited_from_id never_expires number_of_billing_cycles quantity"),
    update=schema("amount existing_id never_expires number_of_billing_cycles quantity"),
    remove=schema(any_name=Effect.ACTED_ON),
)
SUBSCRIPTION_UPDATE = schema(
    "id merchant_account_id never_expires number_of_billing_cycles payment_method_nonce payment_method_token plan_id "
    "price billing_day_of_month first_billing_date",
    descriptor=DESCRIPTOR,
    options=schema(
        "prorate_charges replace_all_add_ons_and_discounts revert_subscription_on_proration_failure",
        paypal=schema("description"),
    ),
    add_ons=MODIFICATIONS,
    discounts=MODIFICATIONS,
)
SUBSCRIPTION = SUBSCRIPTION_UPDATE.extended(
    "trial_duration trial_duration_unit trial_period",
    options=schema("do_not_inherit_add_ons_or_discounts start_immediately", paypal=schema("description")),
)
PLAN = schema(
    "billing_day_of_month billing_frequency currency_iso_code description id name number_of_billing_cycles price "
    "trial_duration trial_duration_unit trial_period never_expires",
    no_effect="merchant_id",
    add_ons=MODIFICATIONS,
    discounts=MODIFICATIONS,
)
MODIFICATION_FOR_TESTS = schema(
    "id kind plan_id name description amount number_of_billing_cycles", no_effect="never_expires"
)
EVIDENCE = schema("comments category sequence_number document_upload_id")
MERCHANT_ACCOUNT = schema("currency id")
SETTLEMENT_BATCH_SUMMARY = schema("settlement_date group_by_custom_field")
