"""The currencies of merchant accounts (ISO 4217)."""

from __future__ import annotations

_CODES = (
    "AED AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CHF CLP CNY COP "
    "CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR "
    "IQD ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MKD MNT MOP MUR MVR MWK MXN "
    "MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLL "
    "SOS SRD STD SVC SYP SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER "
    "ZAR ZMW"
)
KNOWN_CURRENCIES = frozenset(_CODES.split(" "))

# Countries of the euro, and others whose currency is not the dollar, by ISO 3166 alpha-3.
_EURO = "AUT BEL HRV CYP EST FIN FRA DEU GRC IRL ITA LVA LTU LUX MLT NLD PRT SVK SVN ESP"
_BY_COUNTRY = {
    **dict.fromkeys(_EURO.split(" "), "EUR"),
    "AUS": "AUD",
    "BRA": "BRL",
    "CAN": "CAD",
    "CHE": "CHF",
    "DNK": "DKK",
    "GBR": "GBP",
    "HKG": "HKD",
    "IDN": "IDR",
    "IND": "INR",
    "JPN": "JPY",
    "MEX": "MXN",
    "MYS": "MYR",
    "NOR": "NOK",
    "NZL": "NZD",
    "POL": "PLN",
    "SGP": "SGD",
    "SWE": "SEK",
}


def currency_of_country(alpha3: str) -> str:
    """The currency of a new merchant's default account; US dollars where the twin knows no other."""
    return _BY_COUNTRY.get(alpha3, "USD")
