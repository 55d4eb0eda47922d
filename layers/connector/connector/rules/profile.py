"""The business itself: who we are on outbound documents."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_PARTY_ELEMENTS = (
    "AddressAlternateName",
    "Address1",
    "Address2",
    "Address3",
    "Address4",
    "City",
    "State",
    "PostalCode",
    "Country",
    "AddressTaxIdNumber",
)


class BusinessProfile(BaseModel):
    """One connection's own business; address elements have their RSX names.

    `remit_to` is the location number that retailers know us by (`AddressLocationNumber` of RI), numbered by
    `remit_to_qualifier`: "91" ourselves, "92" the retailer, "UL" GLN, "1" DUNS.
    `gs1_prefix` is the company prefix that GS1 gave out, for making the SSCCs of cartons.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    AddressAlternateName: str = ""
    Address1: str = ""
    Address2: str = ""
    Address3: str = ""
    Address4: str = ""
    City: str = ""
    State: str = ""
    PostalCode: str = ""
    Country: str = ""
    AddressTaxIdNumber: str = ""
    remit_to: str = ""
    remit_to_qualifier: str = "91"
    currency: str = "USD"
    gs1_prefix: Annotated[str, Field(pattern=r"^(\d{7,10})?$")] = ""

    def party(self) -> dict[str, str]:
        """The business as the elements of an RSX address, without its type."""
        location = {"LocationCodeQualifier": self.remit_to_qualifier, "AddressLocationNumber": self.remit_to}
        fields = {"AddressName": self.name} | {name: getattr(self, name) for name in _PARTY_ELEMENTS}
        return (location if self.remit_to else {}) | {name: text for name, text in fields.items() if text}
