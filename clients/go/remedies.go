// Code generated from docs/integrate/errors.md. DO NOT EDIT.

package bayar

// The reasons for which the service refuses a call, which Error.Reason holds.
const (
	// ReasonInvalidRequest: Correct the fields that BadRequest names.
	ReasonInvalidRequest = "INVALID_REQUEST"
	// ReasonPaymentNotFound: Check the id. Another caller's resource looks the same.
	ReasonPaymentNotFound = "PAYMENT_NOT_FOUND"
	// ReasonCustomerNotFound: Check the id. Another caller's resource looks the same.
	ReasonCustomerNotFound = "CUSTOMER_NOT_FOUND"
	// ReasonPaymentMethodNotFound: Check the id. Another caller's resource looks the same.
	ReasonPaymentMethodNotFound = "PAYMENT_METHOD_NOT_FOUND"
	// ReasonDisputeNotFound: Check the id. Another caller's resource looks the same.
	ReasonDisputeNotFound = "DISPUTE_NOT_FOUND"
	// ReasonOperationNotFound: Check the id. Another caller's resource looks the same.
	ReasonOperationNotFound = "OPERATION_NOT_FOUND"
	// ReasonNotificationNotFound: Check the id. Another caller's resource looks the same.
	ReasonNotificationNotFound = "NOTIFICATION_NOT_FOUND"
	// ReasonBlockNotFound: Check the id. Another caller's resource looks the same.
	ReasonBlockNotFound = "BLOCK_NOT_FOUND"
	// ReasonCheckoutNotFound: Check the id. Another caller's resource looks the same.
	ReasonCheckoutNotFound = "CHECKOUT_NOT_FOUND"
	// ReasonRequestIDReused: Send the request as it was, or make a new request_id.
	ReasonRequestIDReused = "REQUEST_ID_REUSED"
	// ReasonReferenceAlreadyPaid: Read the payment that metadata names.
	ReasonReferenceAlreadyPaid = "REFERENCE_ALREADY_PAID"
	// ReasonExternalIDTaken: Use the customer that metadata names.
	ReasonExternalIDTaken = "EXTERNAL_ID_TAKEN"
	// ReasonPaymentNotCapturable: Read the payment's state; the message names the alternative.
	ReasonPaymentNotCapturable = "PAYMENT_NOT_CAPTURABLE"
	// ReasonPaymentNotVoidable: Read the payment's state; the message names the alternative.
	ReasonPaymentNotVoidable = "PAYMENT_NOT_VOIDABLE"
	// ReasonPaymentNotRefundable: Read the payment's state; the message names the alternative.
	ReasonPaymentNotRefundable = "PAYMENT_NOT_REFUNDABLE"
	// ReasonPaymentNotAdjustable: Read the payment's state; the message names the alternative.
	ReasonPaymentNotAdjustable = "PAYMENT_NOT_ADJUSTABLE"
	// ReasonAmountExceedsCapturable: Ask for available_minor_units at most.
	ReasonAmountExceedsCapturable = "AMOUNT_EXCEEDS_CAPTURABLE"
	// ReasonAmountExceedsRefundable: Ask for available_minor_units at most.
	ReasonAmountExceedsRefundable = "AMOUNT_EXCEEDS_REFUNDABLE"
	// ReasonAmountAlreadyAuthorized: Send the whole amount that is to be held, not the difference.
	ReasonAmountAlreadyAuthorized = "AMOUNT_ALREADY_AUTHORIZED"
	// ReasonPaymentDisputed: Wait for the end of the dispute.
	ReasonPaymentDisputed = "PAYMENT_DISPUTED"
	// ReasonDisputeNotOpen: Read the dispute; correct the evidence.
	ReasonDisputeNotOpen = "DISPUTE_NOT_OPEN"
	// ReasonDisputeAnswerRefused: Read the dispute; correct the evidence.
	ReasonDisputeAnswerRefused = "DISPUTE_ANSWER_REFUSED"
	// ReasonCheckoutCompleted: The checkout was paid: refund or void its payment.
	ReasonCheckoutCompleted = "CHECKOUT_COMPLETED"
	// ReasonCheckoutNotPayable: Create a new checkout.
	ReasonCheckoutNotPayable = "CHECKOUT_NOT_PAYABLE"
	// ReasonCheckoutNotServed: The administrator sets BAYAR_CHECKOUT_ADDRESS.
	ReasonCheckoutNotServed = "CHECKOUT_NOT_SERVED"
	// ReasonCustomerHasOpenPayments: Repeat once the outcome is known.
	ReasonCustomerHasOpenPayments = "CUSTOMER_HAS_OPEN_PAYMENTS"
	// ReasonPaymentMethodNotActive: Use another method; correct the change.
	ReasonPaymentMethodNotActive = "PAYMENT_METHOD_NOT_ACTIVE"
	// ReasonPaymentMethodChangeRefused: Use another method; correct the change.
	ReasonPaymentMethodChangeRefused = "PAYMENT_METHOD_CHANGE_REFUSED"
	// ReasonGatewayRefusedRequest: Correct the set-up that the message names; it says nothing of the card.
	ReasonGatewayRefusedRequest = "GATEWAY_REFUSED_REQUEST"
	// ReasonOperationAlreadyResolved: For administrators: the message names the remedy.
	ReasonOperationAlreadyResolved = "OPERATION_ALREADY_RESOLVED"
	// ReasonOperationMayStillHappen: For administrators: the message names the remedy.
	ReasonOperationMayStillHappen = "OPERATION_MAY_STILL_HAPPEN"
	// ReasonContradictedByGateway: For administrators: the message names the remedy.
	ReasonContradictedByGateway = "CONTRADICTED_BY_GATEWAY"
	// ReasonTooManyOrphans: For administrators: the message names the remedy.
	ReasonTooManyOrphans = "TOO_MANY_ORPHANS"
	// ReasonMovementsIncomplete: For administrators: the message names the remedy.
	ReasonMovementsIncomplete = "MOVEMENTS_INCOMPLETE"
	// ReasonAuthenticationRequired: 3-D Secure is required: authenticate the customer, then send the result.
	ReasonAuthenticationRequired = "AUTHENTICATION_REQUIRED"
	// ReasonOperationInProgress: Repeat after RetryInfo.
	ReasonOperationInProgress = "OPERATION_IN_PROGRESS"
	// ReasonCheckoutBeingPaid: Repeat after RetryInfo.
	ReasonCheckoutBeingPaid = "CHECKOUT_BEING_PAID"
	// ReasonGatewayUnreachable: Nothing was sent: repeat.
	ReasonGatewayUnreachable = "GATEWAY_UNREACHABLE"
	// ReasonGatewayUnavailable: The gateway did not answer, nothing was changed: repeat.
	ReasonGatewayUnavailable = "GATEWAY_UNAVAILABLE"
	// ReasonGatewayRefusedCredentials: The administrator corrects Braintree's keys; then repeat.
	ReasonGatewayRefusedCredentials = "GATEWAY_REFUSED_CREDENTIALS"
	// ReasonRefundIncomplete: A part was refunded: repeat, only the rest is sent.
	ReasonRefundIncomplete = "REFUND_INCOMPLETE"
	// ReasonStoreUnavailable: It may be recorded: repeat.
	ReasonStoreUnavailable = "STORE_UNAVAILABLE"
	// ReasonServiceHeld: An administrator holds the service after a restore: repeat later.
	ReasonServiceHeld = "SERVICE_HELD"
	// ReasonServiceStopping: Open the stream again where it left off.
	ReasonServiceStopping = "SERVICE_STOPPING"
	// ReasonStreamEnded: Open the stream again where it left off.
	ReasonStreamEnded = "STREAM_ENDED"
	// ReasonStreamReadTooSlowly: Open the stream again where it left off.
	ReasonStreamReadTooSlowly = "STREAM_READ_TOO_SLOWLY"
	// ReasonCredentialsUnavailable: The token issuer does not answer: repeat.
	ReasonCredentialsUnavailable = "CREDENTIALS_UNAVAILABLE"
	// ReasonTooManyDeclines: Card testing is suspected: wait for RetryInfo, or ask an administrator to lift the block.
	ReasonTooManyDeclines = "TOO_MANY_DECLINES"
	// ReasonRateLimited: Send fewer calls at a time; repeat after RetryInfo.
	ReasonRateLimited = "RATE_LIMITED"
	// ReasonOverloaded: Send fewer calls at a time; repeat after RetryInfo.
	ReasonOverloaded = "OVERLOADED"
	// ReasonTooManyStreams: Close a stream first.
	ReasonTooManyStreams = "TOO_MANY_STREAMS"
	// ReasonAnswersUnread: Read the answers of earlier calls first.
	ReasonAnswersUnread = "ANSWERS_UNREAD"
	// ReasonTooManyFailedLogins: Use a valid credential; repeat after RetryInfo.
	ReasonTooManyFailedLogins = "TOO_MANY_FAILED_LOGINS"
	// ReasonRequestTooLarge: Send less at a time.
	ReasonRequestTooLarge = "REQUEST_TOO_LARGE"
	// ReasonCallTooLong: The work goes on: repeat.
	ReasonCallTooLong = "CALL_TOO_LONG"
	// ReasonCredentialMissing: Use a valid credential.
	ReasonCredentialMissing = "CREDENTIAL_MISSING"
	// ReasonCredentialInvalid: Use a valid credential.
	ReasonCredentialInvalid = "CREDENTIAL_INVALID"
	// ReasonCredentialExpired: Use a valid credential.
	ReasonCredentialExpired = "CREDENTIAL_EXPIRED"
	// ReasonCredentialRevoked: Use a valid credential.
	ReasonCredentialRevoked = "CREDENTIAL_REVOKED"
	// ReasonCredentialNotYetValid: Use a valid credential.
	ReasonCredentialNotYetValid = "CREDENTIAL_NOT_YET_VALID"
	// ReasonCredentialWrongIssuer: Use a valid credential.
	ReasonCredentialWrongIssuer = "CREDENTIAL_WRONG_ISSUER"
	// ReasonCredentialWrongAudience: Use a valid credential.
	ReasonCredentialWrongAudience = "CREDENTIAL_WRONG_AUDIENCE"
	// ReasonCredentialIncomplete: Use a valid credential.
	ReasonCredentialIncomplete = "CREDENTIAL_INCOMPLETE"
	// ReasonScopeMissing: Use a credential with that scope; a back end's credential.
	ReasonScopeMissing = "SCOPE_MISSING"
	// ReasonNotForCustomers: Use a credential with that scope; a back end's credential.
	ReasonNotForCustomers = "NOT_FOR_CUSTOMERS"
	// ReasonOperatorRightMissing: An administrator grants the operator the right that right names.
	ReasonOperatorRightMissing = "OPERATOR_RIGHT_MISSING"
	// ReasonNotAnOperator: Use an operator's credential, or name no caller to act for.
	ReasonNotAnOperator = "NOT_AN_OPERATOR"
	// ReasonOnBehalfIncomplete: Name the caller that you act for and the reason; the violations say which is missing.
	ReasonOnBehalfIncomplete = "ON_BEHALF_INCOMPLETE"
	// ReasonInternal: A fault in the service: repeat, and report incident.
	ReasonInternal = "INTERNAL"
)

// remedies are the remedy for each reason, one sentence.
var remedies = map[string]string{
	ReasonInvalidRequest:             "Correct the fields that BadRequest names.",
	ReasonPaymentNotFound:            "Check the id. Another caller's resource looks the same.",
	ReasonCustomerNotFound:           "Check the id. Another caller's resource looks the same.",
	ReasonPaymentMethodNotFound:      "Check the id. Another caller's resource looks the same.",
	ReasonDisputeNotFound:            "Check the id. Another caller's resource looks the same.",
	ReasonOperationNotFound:          "Check the id. Another caller's resource looks the same.",
	ReasonNotificationNotFound:       "Check the id. Another caller's resource looks the same.",
	ReasonBlockNotFound:              "Check the id. Another caller's resource looks the same.",
	ReasonCheckoutNotFound:           "Check the id. Another caller's resource looks the same.",
	ReasonRequestIDReused:            "Send the request as it was, or make a new request_id.",
	ReasonReferenceAlreadyPaid:       "Read the payment that metadata names.",
	ReasonExternalIDTaken:            "Use the customer that metadata names.",
	ReasonPaymentNotCapturable:       "Read the payment's state; the message names the alternative.",
	ReasonPaymentNotVoidable:         "Read the payment's state; the message names the alternative.",
	ReasonPaymentNotRefundable:       "Read the payment's state; the message names the alternative.",
	ReasonPaymentNotAdjustable:       "Read the payment's state; the message names the alternative.",
	ReasonAmountExceedsCapturable:    "Ask for available_minor_units at most.",
	ReasonAmountExceedsRefundable:    "Ask for available_minor_units at most.",
	ReasonAmountAlreadyAuthorized:    "Send the whole amount that is to be held, not the difference.",
	ReasonPaymentDisputed:            "Wait for the end of the dispute.",
	ReasonDisputeNotOpen:             "Read the dispute; correct the evidence.",
	ReasonDisputeAnswerRefused:       "Read the dispute; correct the evidence.",
	ReasonCheckoutCompleted:          "The checkout was paid: refund or void its payment.",
	ReasonCheckoutNotPayable:         "Create a new checkout.",
	ReasonCheckoutNotServed:          "The administrator sets BAYAR_CHECKOUT_ADDRESS.",
	ReasonCustomerHasOpenPayments:    "Repeat once the outcome is known.",
	ReasonPaymentMethodNotActive:     "Use another method; correct the change.",
	ReasonPaymentMethodChangeRefused: "Use another method; correct the change.",
	ReasonGatewayRefusedRequest:      "Correct the set-up that the message names; it says nothing of the card.",
	ReasonOperationAlreadyResolved:   "For administrators: the message names the remedy.",
	ReasonOperationMayStillHappen:    "For administrators: the message names the remedy.",
	ReasonContradictedByGateway:      "For administrators: the message names the remedy.",
	ReasonTooManyOrphans:             "For administrators: the message names the remedy.",
	ReasonMovementsIncomplete:        "For administrators: the message names the remedy.",
	ReasonAuthenticationRequired:     "3-D Secure is required: authenticate the customer, then send the result.",
	ReasonOperationInProgress:        "Repeat after RetryInfo.",
	ReasonCheckoutBeingPaid:          "Repeat after RetryInfo.",
	ReasonGatewayUnreachable:         "Nothing was sent: repeat.",
	ReasonGatewayUnavailable:         "The gateway did not answer, nothing was changed: repeat.",
	ReasonGatewayRefusedCredentials:  "The administrator corrects Braintree's keys; then repeat.",
	ReasonRefundIncomplete:           "A part was refunded: repeat, only the rest is sent.",
	ReasonStoreUnavailable:           "It may be recorded: repeat.",
	ReasonServiceHeld:                "An administrator holds the service after a restore: repeat later.",
	ReasonServiceStopping:            "Open the stream again where it left off.",
	ReasonStreamEnded:                "Open the stream again where it left off.",
	ReasonStreamReadTooSlowly:        "Open the stream again where it left off.",
	ReasonCredentialsUnavailable:     "The token issuer does not answer: repeat.",
	ReasonTooManyDeclines:            "Card testing is suspected: wait for RetryInfo, or ask an administrator to lift the block.",
	ReasonRateLimited:                "Send fewer calls at a time; repeat after RetryInfo.",
	ReasonOverloaded:                 "Send fewer calls at a time; repeat after RetryInfo.",
	ReasonTooManyStreams:             "Close a stream first.",
	ReasonAnswersUnread:              "Read the answers of earlier calls first.",
	ReasonTooManyFailedLogins:        "Use a valid credential; repeat after RetryInfo.",
	ReasonRequestTooLarge:            "Send less at a time.",
	ReasonCallTooLong:                "The work goes on: repeat.",
	ReasonCredentialMissing:          "Use a valid credential.",
	ReasonCredentialInvalid:          "Use a valid credential.",
	ReasonCredentialExpired:          "Use a valid credential.",
	ReasonCredentialRevoked:          "Use a valid credential.",
	ReasonCredentialNotYetValid:      "Use a valid credential.",
	ReasonCredentialWrongIssuer:      "Use a valid credential.",
	ReasonCredentialWrongAudience:    "Use a valid credential.",
	ReasonCredentialIncomplete:       "Use a valid credential.",
	ReasonScopeMissing:               "Use a credential with that scope; a back end's credential.",
	ReasonNotForCustomers:            "Use a credential with that scope; a back end's credential.",
	ReasonOperatorRightMissing:       "An administrator grants the operator the right that right names.",
	ReasonNotAnOperator:              "Use an operator's credential, or name no caller to act for.",
	ReasonOnBehalfIncomplete:         "Name the caller that you act for and the reason; the violations say which is missing.",
	ReasonInternal:                   "A fault in the service: repeat, and report incident.",
}
