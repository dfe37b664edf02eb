"""Realistic OCPI objects of our own making: a charge point operator and a mobility provider in India.

Every builder returns a fresh dict; keyword arguments replace or add top-level fields.
"""

from tests.sim.wire import timestamp

SITES = [
    ("Forum Mall Basement 2", "Hosur Road, Koramangala", "Bengaluru", "560095", "Karnataka", "12.934612", "77.611158"),
    ("Sahyadri Highway Plaza", "NH 48, Khed Shivapur", "Pune", "412205", "Maharashtra", "18.330471", "73.852914"),
    ("Marina Sea View Parking", "Kamarajar Salai", "Chennai", "600005", "Tamil Nadu", "13.050112", "80.282403"),
    ("Cyber Hub Visitor Deck", "DLF Phase 2", "Gurugram", "122002", "Haryana", "28.495032", "77.089337"),
]


def connector(ident="1", standard="IEC_62196_T2_COMBO", power=60000, last_updated=None, **changes):
    dc = standard in ("IEC_62196_T2_COMBO", "CHADEMO", "GBT_DC")
    return {
        "id": ident,
        "standard": standard,
        "format": "CABLE" if dc else "SOCKET",
        "power_type": "DC" if dc else "AC_3_PHASE",
        "max_voltage": 750 if dc else 415,
        "max_amperage": 125 if dc else 32,
        "max_electric_power": power,
        "tariff_ids": ["TAR-DC-DAY"] if dc else ["TAR-AC"],
        "last_updated": last_updated or timestamp(),
        **changes,
    }


def evse(uid="EVSE001", status="AVAILABLE", last_updated=None, **changes):
    stamp = last_updated or timestamp()
    return {
        "uid": uid,
        "evse_id": f"IN*ABC*E{uid}",
        "status": status,
        "capabilities": ["REMOTE_START_STOP_CAPABLE", "RFID_READER", "RESERVABLE", "UNLOCK_CAPABLE"],
        "connectors": [
            connector("1", last_updated=stamp),
            connector("2", standard="IEC_62196_T2", power=22000, last_updated=stamp),
        ],
        "floor_level": "-2",
        "physical_reference": f"Bay {uid[-2:]}",
        "parking_restrictions": ["EV_ONLY"],
        "last_updated": stamp,
        **changes,
    }


def location(party, ident="LOC001", last_updated=None, site=0, **changes):
    """About 2.6 kB: one site with two EVSEs of two connectors each."""
    stamp = last_updated or timestamp()
    name, address, city, postal_code, state, latitude, longitude = SITES[site % len(SITES)]
    return {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "id": ident,
        "publish": True,
        "name": name,
        "address": address,
        "city": city,
        "postal_code": postal_code,
        "state": state,
        "country": "IND",
        "coordinates": {"latitude": latitude, "longitude": longitude},
        "parking_type": "UNDERGROUND_GARAGE",
        "evses": [evse("EVSE001", last_updated=stamp), evse("EVSE002", last_updated=stamp)],
        "operator": {"name": party.name or party.party_id, "website": "https://example.com"},
        "facilities": ["MALL", "RESTAURANT", "WIFI"],
        "time_zone": "Asia/Kolkata",
        "opening_times": {
            "twentyfourseven": False,
            "regular_hours": [
                {"weekday": day, "period_begin": "06:00", "period_end": "23:30"} for day in (1, 2, 3, 4, 5, 6, 7)
            ],
        },
        "charging_when_closed": False,
        "energy_mix": {"is_green_energy": True, "energy_sources": [{"source": "SOLAR", "percentage": 62.5}], "supplier_name": "Surya"},
        "vendor_discom": "BESCOM",
        "last_updated": stamp,
        **changes,
    }


def tariff(party, ident="TAR-DC-DAY", last_updated=None, **changes):
    return {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "id": ident,
        "currency": "INR",
        "type": "REGULAR",
        "tariff_alt_text": [{"language": "en", "text": "18.50 INR per kWh, 2 INR per minute after charging"}],
        "elements": [
            {
                "price_components": [{"type": "ENERGY", "price": 18.5, "vat": 18.0, "step_size": 1}],
                "restrictions": {"start_time": "06:00", "end_time": "22:00"},
            },
            {"price_components": [{"type": "PARKING_TIME", "price": 120.0, "vat": 18.0, "step_size": 60}]},
        ],
        "last_updated": last_updated or timestamp(),
        **changes,
    }


def cdr_token(emsp, uid="04A2B7C91D3E80", **changes):
    return {
        "country_code": emsp.country_code,
        "party_id": emsp.party_id,
        "uid": uid,
        "type": "RFID",
        "contract_id": f"IN-{emsp.party_id}-C00042-7",
        **changes,
    }


def charging_period(energy=4.2, start=None):
    return {
        "start_date_time": start or timestamp(-600),
        "dimensions": [{"type": "ENERGY", "volume": energy}, {"type": "TIME", "volume": 0.25}],
        "tariff_id": "TAR-DC-DAY",
    }


def session(party, emsp, ident="SES-1", status="ACTIVE", kwh=0.0, last_updated=None, **changes):
    stamp = last_updated or timestamp()
    return {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "id": ident,
        "start_date_time": timestamp(-900),
        "kwh": kwh,
        "cdr_token": cdr_token(emsp),
        "auth_method": "AUTH_REQUEST",
        "location_id": "LOC001",
        "evse_uid": "EVSE001",
        "connector_id": "1",
        "currency": "INR",
        "charging_periods": [charging_period()],
        "total_cost": {"excl_vat": 77.7, "incl_vat": 91.69},
        "status": status,
        "last_updated": stamp,
        **changes,
    }


def cdr(party, emsp, ident="CDR-1", last_updated=None, **changes):
    return {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "id": ident,
        "start_date_time": "2025-01-14T04:30:00Z",
        "end_date_time": "2025-01-14T05:15:00Z",
        "session_id": "SES-1",
        "cdr_token": cdr_token(emsp),
        "auth_method": "AUTH_REQUEST",
        "cdr_location": {
            "id": "LOC001",
            "name": "Forum Mall Basement 2",
            "address": "Hosur Road, Koramangala",
            "city": "Bengaluru",
            "postal_code": "560095",
            "country": "IND",
            "coordinates": {"latitude": "12.934612", "longitude": "77.611158"},
            "evse_uid": "EVSE001",
            "evse_id": "IN*ABC*E001",
            "connector_id": "1",
            "connector_standard": "IEC_62196_T2_COMBO",
            "connector_format": "CABLE",
            "connector_power_type": "DC",
        },
        "currency": "INR",
        "tariffs": [tariff(party, last_updated="2025-01-01T00:00:00Z")],
        "charging_periods": [charging_period(21.35, start="2025-01-14T04:30:00Z")],
        "total_cost": {"excl_vat": 394.98, "incl_vat": 466.07},
        "total_energy": 21.35,
        "total_time": 0.75,
        "invoice_reference_id": "INV/2025/000173",
        "last_updated": last_updated or "2025-01-14T05:16:02Z",
        **changes,
    }


def token(emsp, uid="04A2B7C91D3E80", **changes):
    return {
        "country_code": emsp.country_code,
        "party_id": emsp.party_id,
        "uid": uid,
        "type": "RFID",
        "contract_id": f"IN-{emsp.party_id}-C00042-7",
        "issuer": emsp.name or emsp.party_id,
        "valid": True,
        "whitelist": "NEVER",
        "last_updated": "2025-01-02T10:00:00Z",
        **changes,
    }


def authorization_info(country, party_id, uid, allowed="ALLOWED", location=None):
    """A CPO's answer to a real-time authorization; repeats the location it was asked about."""
    info = {
        "allowed": allowed,
        "token": {
            "country_code": country,
            "party_id": party_id,
            "uid": uid,
            "type": "RFID",
            "contract_id": f"{country}-{party_id}-C00042-7",
            "issuer": party_id,
            "valid": True,
            "whitelist": "NEVER",
            "last_updated": "2025-01-02T10:00:00Z",
        },
        "authorization_reference": f"AR-{uid}",
    }
    if location:
        info["location"] = location
    return info


def start_session(emsp, location_id="LOC001", evse_uid="EVSE001", connector_id="1", **changes):
    """START_SESSION without response_url: the platform adds its own."""
    return {
        "token": token(emsp),
        "location_id": location_id,
        "evse_uid": evse_uid,
        "connector_id": connector_id,
        "authorization_reference": "AR-DEMO",
        **changes,
    }


def reserve_now(emsp, reservation_id="RES-1", location_id="LOC001", **changes):
    return {
        "token": token(emsp),
        "expiry_date": timestamp(3600),
        "reservation_id": reservation_id,
        "location_id": location_id,
        "evse_uid": "EVSE001",
        **changes,
    }
