# frozen_string_literal: true

# The official Ruby SDK's requests, byte-shaped, against the twin that the environment names: its headers, and its XML
# (hyphens, types, two spaces of indentation). The gem is not installed, so this file writes the requests itself.
# As the gem does, it insists on gzipped answers.

require "base64"
require "bigdecimal"
require "net/http"
require "rexml/document"
require "stringio"
require "time"
require "uri"
require "zlib"

TWIN = URI(ENV.fetch("TWIN_URL"))
ACCOUNT = "twin_usd_no_duplicate_check"
CARD = { number: "4111111111111111", expiration_month: "05", expiration_year: 2030, cvv: "123" }.freeze
ADDRESS = { street_address: "1 Main St", postal_code: "60622", country_code_alpha2: "US", region: nil }.freeze
TYPES = { Integer => "integer", TrueClass => "boolean", FalseClass => "boolean", Time => "datetime" }.freeze

def element(name, value, depth = 0)
  indent = "  " * depth
  tag = name.to_s.tr("_", "-")
  case value
  when Hash
    inner = value.map { |key, each| element(key, each, depth + 1) }.join
    "#{indent}<#{tag}>\n#{inner}#{indent}</#{tag}>\n"
  when Array
    return "#{indent}<#{tag} type=\"array\"/>\n" if value.empty?

    items = value.map { |each| element(:item, each, depth + 1) }.join
    "#{indent}<#{tag} type=\"array\">\n#{items}#{indent}</#{tag}>\n"
  when nil
    "#{indent}<#{tag} nil=\"true\"/>\n"
  else
    type = TYPES[value.class]
    attribute = type ? " type=\"#{type}\"" : ""
    "#{indent}<#{tag}#{attribute}>#{text(value)}</#{tag}>\n"
  end
end

def text(value)
  case value
  # As the gem writes them: a moment in its own zone, and at least two decimals.
  when Time then value.xmlschema
  when BigDecimal then value.to_s("F").sub(/\.\d\z/, "\\00")
  else value.to_s.encode(xml: :text)
  end
end

def ask(verb, path, document = nil)
  request = Net::HTTP.const_get(verb).new("/merchants/twin_merchant#{path}")
  request["Accept"] = "application/xml"
  request["User-Agent"] = "Braintree Ruby Gem 4.20.0"
  request["Accept-Encoding"] = "gzip"
  request["X-ApiVersion"] = "6"
  request.basic_auth("twin_public_key", "twin_private_key")
  unless %i[Get Delete].include?(verb)
    request["Content-Type"] = "application/xml"
    request.body = document ? "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n#{element(*document.first)}" : ""
  end
  response = CONNECTION.request(request)
  raise "#{verb} #{path}: #{response.code}" unless %w[200 201 404 422].include?(response.code)
  return [response.code.to_i, nil] if response.code == "404" || verb == :Delete
  raise "#{verb} #{path}: the answer is not gzipped" unless response["Content-Encoding"] == "gzip"

  body = Zlib::GzipReader.new(StringIO.new(response.body)).read
  [response.code.to_i, body.strip.empty? ? nil : REXML::Document.new(body).root]
end

def done(verb, path, document = nil)
  status, root = ask(verb, path, document)
  raise "#{verb} #{path}: #{status} #{root&.elements&.[]("message")&.text}" unless [200, 201].include?(status)

  root
end

def value(root, path)
  root.elements[path]&.text
end

def equal(expected, found)
  raise "expected #{expected.inspect}, found #{found.inspect}" unless expected == found
end

def codes(result)
  equal(422, result[0])
  REXML::XPath.match(result[1], "//error/code").map(&:text)
end

def vault
  customer = done(:Post, "/customers", customer: {
    first_name: "Ada & Co", company: nil, custom_fields: { store_me: "yes" },
    credit_card: { **CARD, billing_address: ADDRESS, options: { verify_card: true } },
  })
  id = value(customer, "id")
  equal("Ada & Co", value(customer, "first-name"))
  done(:Put, "/customers/#{id}", customer: { last_name: "Lovelace" })
  address = done(:Post, "/customers/#{id}/addresses", address: ADDRESS)
  done(:Put, "/customers/#{id}/addresses/#{value(address, "id")}", address: { locality: "Chicago" })
  method = { customer_id: id, payment_method_nonce: "fake-valid-nonce", options: { make_default: true } }
  token = value(done(:Post, "/payment_methods", payment_method: method), "token")
  done(:Put, "/payment_methods/any/#{token}", payment_method: { cardholder_name: "Ada" })
  done(:Post, "/payment_methods/#{token}/nonces")
  done(:Post, "/client_token", client_token: { version: 2, customer_id: id })
  done(:Post, "/verifications", verification: { credit_card: CARD, options: { amount: BigDecimal("1") } })
  search = { ids: [id], first_name: { is: "Ada & Co" } }
  equal(id, value(done(:Post, "/customers/advanced_search_ids", search: search), "ids/item"))
  equal(["81604"], codes(ask(:Post, "/customers", customer: { email: "nobody" })))
  token
end

def sell(token)
  sale = {
    type: "sale", amount: BigDecimal("100"), merchant_account_id: ACCOUNT, payment_method_token: token,
    order_id: "ruby", tax_exempt: false, channel: nil, shipping: ADDRESS,
    line_items: [{ name: "Tea", kind: "debit", quantity: "2", unit_amount: "5.00", total_amount: BigDecimal("10") }],
    options: { submit_for_settlement: false, three_d_secure: { required: false } },
  }
  first = value(done(:Post, "/transactions", transaction: sale), "id")
  equal("10.00", value(done(:Get, "/transactions/#{first}/line_items"), "line-item/total-amount"))
  captured = done(:Put, "/transactions/#{first}/submit_for_settlement", transaction: { amount: BigDecimal("90") })
  equal("90.00", value(captured, "amount"))
  done(:Put, "/transactions/#{first}/settle")
  equal("credit", value(done(:Post, "/transactions/#{first}/refund", transaction: { amount: "5.00" }), "type"))
  second = value(done(:Post, "/transactions", transaction: { **sale, amount: "7.00" }), "id")
  done(:Post, "/transactions/#{second}/submit_for_partial_settlement", transaction: { amount: "2.00" })
  third = value(done(:Post, "/transactions", transaction: { **sale, amount: "8.00" }), "id")
  equal("voided", value(done(:Put, "/transactions/#{third}/void"), "status"))
  search = { order_id: { is: "ruby" }, status: ["voided"], created_at: { min: Time.now - 86_400 } }
  equal(third, value(done(:Post, "/transactions/advanced_search_ids", search: search), "ids/item"))
  status, declined = ask(:Post, "/transactions", transaction: { **sale, amount: "2000.00" })
  equal([422, "2000"], [status, value(declined, "transaction/processor-response-code")])
  equal(["81503"], codes(ask(:Post, "/transactions", transaction: { **sale, amount: "abc" })))
  equal(404, ask(:Get, "/transactions/none")[0])
end

def subscribe(token)
  subscription = {
    payment_method_token: token, plan_id: "integration_plan_with_add_ons_and_discounts", trial_period: false,
    add_ons: { add: [{ inherited_from_id: "increase_30", quantity: 2 }], remove: ["increase_20"] },
    discounts: { remove: %w[discount_7 discount_11] }, options: { start_immediately: true },
  }
  id = value(done(:Post, "/subscriptions", subscription: subscription), "id")
  done(:Put, "/subscriptions/#{id}", subscription: { price: BigDecimal("99.00"), options: { prorate_charges: true } })
  found = done(:Post, "/subscriptions/advanced_search_ids", search: { id: { is: id }, status: ["Active"] })
  equal(id, value(found, "ids/item"))
  equal("Canceled", value(done(:Put, "/subscriptions/#{id}/cancel"), "status"))
  done(:Get, "/plans")
end

def dispute
  card = { **CARD, number: "4023898493988028" }
  sold = done(:Post, "/transactions", transaction: { type: "sale", amount: "10.00", credit_card: card })
  id = value(sold, "disputes/dispute/id")
  done(:Post, "/disputes/#{id}/evidence", evidence: { comments: "text", category: nil })
  done(:Put, "/disputes/#{id}/finalize")
  found = done(:Post, "/disputes/advanced_search?page=1", search: { id: { is: id }, status: ["disputed"] })
  equal(id, value(found, "dispute/id"))
end

def bank_accounts
  id = value(done(:Post, "/customers", customer: { first_name: "Dan" }), "id")
  vaulted = lambda do |way|
    method = { customer_id: id, payment_method_nonce: "fake-us-bank-account-nonce",
               options: { us_bank_account_verification_method: way } }
    done(:Post, "/payment_methods", payment_method: method)
  end
  account = vaulted.call("network_check")
  equal(%w[true verified], [value(account, "verified"), value(account, "verifications/us-bank-account-verification/status")])
  token = value(account, "token")
  equal(token, value(done(:Get, "/payment_methods/us_bank_account/#{token}"), "token"))
  pending = value(vaulted.call("micro_transfers"), "verifications/us-bank-account-verification/id")
  path = "/us_bank_account_verifications/#{pending}/confirm_micro_transfer_amounts"
  equal(["96103"], codes(ask(:Put, path, us_bank_account_verification: { deposit_amounts: [1, 1] })))
  equal("verified", value(done(:Put, path, us_bank_account_verification: { deposit_amounts: [17, 29] }), "status"))
  search = { customer_id: { is: id }, verification_method: ["micro_transfers"], created_at: { min: Time.now - 86_400 } }
  equal(pending, value(done(:Post, "/us_bank_account_verifications/advanced_search_ids", search: search), "ids/item"))
  sale = { type: "sale", amount: BigDecimal("21"), merchant_account_id: ACCOUNT, payment_method_token: token,
           us_bank_account: { ach_mandate_text: "I agree", ach_mandate_accepted_at: Time.now },
           options: { submit_for_settlement: true } }
  paid = done(:Post, "/transactions", transaction: sale)
  equal(%w[settlement_pending I\ agree], [value(paid, "status"), value(paid, "us-bank-account/ach-mandate/text")])
  equal("settled", value(done(:Put, "/transactions/#{value(paid, "id")}/settle"), "status"))
end

def local_methods
  id = value(done(:Post, "/customers", customer: { first_name: "Dan" }), "id")
  method = { customer_id: id, payment_method_nonce: "fake-sepa-direct-debit-nonce" }
  sepa = done(:Post, "/payment_methods", payment_method: method)
  equal("a-fake-bank-reference-token", value(sepa, "bank-reference-token"))
  done(:Delete, "/payment_methods/sepa_debit_account/#{value(sepa, "token")}")
  sale = { type: "sale", amount: BigDecimal("22"), payment_method_nonce: "fake-local-payment-method-nonce",
           merchant_account_id: ACCOUNT, options: { submit_for_settlement: true } }
  equal("settling", value(done(:Post, "/transactions", transaction: sale), "status"))
  order = { payment_method_nonce: "fake-paypal-one-time-nonce", amount: BigDecimal("55"), currency_iso_code: "USD" }
  raise "no nonce" unless value(done(:Put, "/paypal/payment_resource", paypal_payment_resource: order), "nonce")
end

CONNECTION = Net::HTTP.new(TWIN.host, TWIN.port)
CONNECTION.use_ssl = TWIN.scheme == "https"
CONNECTION.ca_file = ENV["TWIN_CA_FILE"] if ENV["TWIN_CA_FILE"]
CONNECTION.start

token = vault
sell(token)
subscribe(token)
dispute
bank_accounts
local_methods
puts "done"
