"""The bodies that are sent: valid OCPI 2.2.1 objects of the sizes that the figures name, with {id} and {time} open."""

import json

CPO, EMSP = "IN-ABC", "IN-XYZ"
STORED_PREFIX = "BENCHLOC"  # of the stored locations' ids
LOCATION_BYTES = 2600
LONG_AGO = "2026-01-01T00:00:00.000Z"


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def fill(body, identity):
    """The body as the clients send it, for one object."""
    return body.replace("{id}", identity).replace("{time}", LONG_AGO)


def authorize(location):
    return compact({"location_id": location})


def cdr_token(party):
    return {
        "country_code": "IN",
        "party_id": party,
        "uid": "04A2B3C4D5E680",
        "type": "RFID",
        "contract_id": "IN-XYZ-C12345678-S",
    }


def period(time, energy):
    return {
        "start_date_time": time,
        "dimensions": [{"type": "ENERGY", "volume": energy}, {"type": "MAX_CURRENT", "volume": 30.0}],
        "tariff_id": "TARIFF-AC-22",
    }


def session(party="XYZ"):
    """A charging session of about 1 kB, of the eMSP with that party_id."""
    return compact(
        {
            "country_code": "IN",
            "party_id": "ABC",
            "id": "{id}",
            "start_date_time": "2025-12-31T22:39:09Z",
            "kwh": 41.12,
            "cdr_token": cdr_token(party),
            "auth_method": "AUTH_REQUEST",
            "authorization_reference": "REF-0001",
            "location_id": "BENCHLOC0000000000",
            "evse_uid": "EVSE-1",
            "connector_id": "1",
            "currency": "INR",
            "charging_periods": [
                period("2025-12-31T22:39:09Z", 12.5),
                period("2025-12-31T22:54:09Z", 14.25),
                period("2025-12-31T23:09:09Z", 14.37),
            ],
            "total_cost": {"excl_vat": 616.8, "incl_vat": 727.82},
            "status": "ACTIVE",
            "last_updated": "{time}",
        }
    )


def cdr(party="XYZ"):
    """A CDR of about 1.3 kB, whose first "id" is its own."""
    return compact(
        {
            "country_code": "IN",
            "party_id": "ABC",
            "id": "{id}",
            "start_date_time": "2025-12-31T22:39:09Z",
            "end_date_time": "2025-12-31T23:24:09Z",
            "session_id": "{id}",
            "cdr_token": cdr_token(party),
            "auth_method": "AUTH_REQUEST",
            "authorization_reference": "REF-0001",
            "cdr_location": {
                "id": "BENCHLOC0000000000",
                "name": "Charging plaza, Mahatma Gandhi Road",
                "address": "Mahatma Gandhi Road 42",
                "city": "Bengaluru",
                "postal_code": "560001",
                "country": "IND",
                "coordinates": {"latitude": "12.971599", "longitude": "77.594566"},
                "evse_uid": "EVSE-1",
                "evse_id": "IN*ABC*E000001",
                "connector_id": "1",
                "connector_standard": "IEC_62196_T2",
                "connector_format": "CABLE",
                "connector_power_type": "AC_3_PHASE",
            },
            "currency": "INR",
            "charging_periods": [
                period("2025-12-31T22:39:09Z", 12.5),
                period("2025-12-31T22:54:09Z", 14.25),
                period("2025-12-31T23:09:09Z", 14.37),
            ],
            "total_cost": {"excl_vat": 616.8, "incl_vat": 727.82},
            "total_energy": 41.12,
            "total_time": 0.75,
            "last_updated": "{time}",
        }
    )


def connector(number):
    return {
        "id": str(number),
        "standard": "IEC_62196_T2_COMBO" if number == 1 else "IEC_62196_T2",
        "format": "CABLE",
        "power_type": "DC" if number == 1 else "AC_3_PHASE",
        "max_voltage": 920 if number == 1 else 400,
        "max_amperage": 250 if number == 1 else 32,
        "max_electric_power": 150000 if number == 1 else 22000,
        "tariff_ids": ["TARIFF-DC-150", "TARIFF-AC-22"],
        "last_updated": "{time}",
    }


def evse(number):
    return {
        "uid": f"EVSE-{number}",
        "evse_id": f"IN*ABC*E{number:06}",
        "status": "AVAILABLE",
        "capabilities": ["RESERVABLE", "REMOTE_START_STOP_CAPABLE", "RFID_READER", "UNLOCK_CAPABLE"],
        "connectors": [connector(1), connector(2)],
        "floor_level": "-1",
        "coordinates": {"latitude": "12.971599", "longitude": "77.594566"},
        "physical_reference": f"Bay {number}",
        "last_updated": "{time}",
    }


def location():
    """A location of two EVSEs with two connectors each, filled up to LOCATION_BYTES once {id} and {time} are."""
    value = {
        "country_code": "IN",
        "party_id": "ABC",
        "id": "{id}",
        "publish": True,
        "name": "Charging plaza, Mahatma Gandhi Road",
        "address": "Mahatma Gandhi Road 42",
        "city": "Bengaluru",
        "postal_code": "560001",
        "country": "IND",
        "coordinates": {"latitude": "12.971599", "longitude": "77.594566"},
        "parking_type": "PARKING_GARAGE",
        "evses": [evse(1), evse(2)],
        "directions": [{"language": "en", "text": ""}],
        "operator": {"name": "ABC Charging", "website": "https://abc-charging.example"},
        "facilities": ["MALL", "CAFE"],
        "time_zone": "Asia/Kolkata",
        "opening_times": {"twentyfourseven": True},
        "charging_when_closed": True,
        "energy_mix": {"is_green_energy": True, "energy_sources": [{"source": "SOLAR", "percentage": 80}]},
        "last_updated": "{time}",
    }
    missing = LOCATION_BYTES - len(fill(compact(value), f"{STORED_PREFIX}{0:010}").encode())
    if not 0 < missing <= 512:  # OCPI's limit of a DisplayText
        raise ValueError(f"the location misses {missing} bytes; adjust its fields")
    value["directions"][0]["text"] = ("Take the second ramp on the left, then follow the green line. " * 9)[:missing]
    return compact(value)


def location_of(evses):
    """The same with that many EVSEs; only {id} is open."""
    value = json.loads(location())
    value["evses"] = [evse(number) for number in range(1, evses + 1)]
    return compact(value).replace("{time}", LONG_AGO)


def evse_status(status):
    """The hottest write: a PATCH of an EVSE."""
    return compact({"status": status, "last_updated": "{time}"})
