"""Installs hosts by OpenStack's sushy, as ironic does. Standard input is a list of
controllers in JSON; the answer is a JSON object with what was seen on each."""

import json
import sys
import threading
import time

import sushy
from sushy import auth, exceptions
from sushy.resources.manager import virtual_media

IMPORT = (
    '<SystemConfiguration><Component FQDD="iDRAC.Embedded.1">'
    '<Attribute Name="ServerBoot.1#BootOnce">Enabled</Attribute>'
    '<Attribute Name="ServerBoot.1#FirstBootDevice">VCD-DVD</Attribute>'
    "</Component></SystemConfiguration>"
)


def until(what, is_true):
    end = time.time() + 120
    while not is_true():
        if time.time() > end:
            raise RuntimeError("not even after a while: " + what)
        time.sleep(0.01)


def media(system):
    """All slots, of the system or else of its manager."""
    conn = system._conn
    where = system.json.get("VirtualMedia")
    if where:
        return virtual_media.VirtualMediaCollection(conn, where["@odata.id"], registries=None).get_members()
    return system.managers[0].virtual_media.get_members()


def disc(system):
    for slot in media(system):
        if sushy.VIRTUAL_MEDIA_CD in slot.media_types or sushy.VIRTUAL_MEDIA_DVD in slot.media_types:
            return slot
    raise RuntimeError("no slot takes a CD")


def insert(slot, bmc):
    """sushy knows when the protocol is asked for."""
    slot.insert_media(bmc["image"])
    until("the medium is inserted", lambda: fresh(slot).inserted and slot.image == bmc["image"])


def verify(slot, wanted):
    try:
        slot.set_verify_certificate(wanted)
    except exceptions.HTTPError as error:  # sushy sends no If-Match for this
        if error.status_code != 428:
            raise
        slot._conn.patch(slot.path, data={"VerifyCertificate": wanted}, etag=slot._get_etag())


def fresh(resource):
    resource.refresh(force=True)
    return resource


def reset(system, how, power):
    def asked():
        try:
            system.reset_system(how)
        except exceptions.HTTPError as error:
            if error.status_code != 409:
                raise
            return fresh(system).power_state == power
        return True

    until("reset", asked)
    until("power is " + power.value, lambda: fresh(system).power_state == power)


def boot_once(system, bmc):
    if not bmc["import"]:
        system.set_system_boot_options(
            target=sushy.BOOT_SOURCE_TARGET_CD,
            enabled=sushy.BOOT_SOURCE_ENABLED_ONCE,
            mode=sushy.BOOT_SOURCE_MODE_UEFI,
        )
        assert fresh(system).boot.enabled == sushy.BOOT_SOURCE_ENABLED_ONCE, system.boot
        return
    action = system.managers[0].json["Actions"]["Oem"]["#OemManager.ImportSystemConfiguration"]["target"]
    body = {"ShareParameters": {"Target": "ALL"}, "ImportBuffer": IMPORT}
    answer = system._conn.post(action, data=body)
    assert answer.status_code == 202, answer
    task = answer.headers["Location"]
    until("the task is complete", lambda: system._conn.get(task).json()["TaskState"] == "Completed")


def events(root):
    service = root.get_event_service()
    made = service.subscriptions.create({
        "Destination": "http://127.0.0.1:9/", "EventTypes": ["Alert"], "Context": "mine", "Protocol": "Redfish",
    })
    assert made.context == "mine", made.json
    assert len(service.subscriptions.get_members()) == 1
    made.delete()
    # Nobody listens to the subscriber's address, which would end the subscription.
    service.submit_test_event("1", "2026-01-01T00:00:00Z", "Alert", "hello", [], "Test", service.path, "OK")


def sessions(root, bmc):
    service = root.get_session_service()

    def known():  # sushy remembers what it has read
        return len(service._conn.get(service.sessions.path).json()["Members"])

    before = known()
    _, where = service.create_session(bmc["user"], bmc["password"])
    assert known() == before + 1
    service.close_session(where)
    assert known() == before


def slots(system, bmc):
    """Inserts and ejects by every slot of the system and of its manager that takes discs."""
    tried = 0
    for owner in (system, system.managers[0]):
        where = owner.json.get("VirtualMedia")
        if not where:
            continue
        for slot in virtual_media.VirtualMediaCollection(
                system._conn, where["@odata.id"], registries=None).get_members():
            if sushy.VIRTUAL_MEDIA_CD not in slot.media_types and sushy.VIRTUAL_MEDIA_DVD not in slot.media_types:
                continue
            until("the drive is empty", lambda: emptied(slot))
            insert(slot, bmc)
            fresh(slot).eject_media()
            until("the medium is out", lambda: not fresh(slot).inserted)
            tried += 1
    return tried


def emptied(slot):
    """Some controllers report an ejected medium for a while, by other slots as well."""
    return not fresh(slot).inserted


def overrides(system):
    """Sets and clears each target for as long as it is there."""
    for target in system.get_allowed_system_boot_source_values():
        for enabled in (sushy.BOOT_SOURCE_ENABLED_ONCE, sushy.BOOT_SOURCE_ENABLED_CONTINUOUS):
            system.set_system_boot_options(target=target, enabled=enabled, mode=sushy.BOOT_SOURCE_MODE_UEFI)
            want = sushy.BOOT_SOURCE_ENABLED_DISABLED if target == sushy.BOOT_SOURCE_TARGET_NONE else enabled
            assert fresh(system).boot.enabled == want, (target, enabled, system.boot)
    system.set_system_boot_options(enabled=sushy.BOOT_SOURCE_ENABLED_DISABLED)
    assert fresh(system).boot.enabled == sushy.BOOT_SOURCE_ENABLED_DISABLED, system.boot


def become(system, power):
    if fresh(system).power_state != power:
        on = power == sushy.POWER_STATE_ON
        reset(system, sushy.RESET_ON if on else sushy.RESET_FORCE_OFF, power)


def resets(system):
    """Asks for each reset, in the states in which it does something."""
    on, off = sushy.POWER_STATE_ON, sushy.POWER_STATE_OFF
    kinds = sorted(system.get_allowed_reset_system_values(), key=lambda kind: kind.value)
    for kind in kinds:
        if kind.value in ("On", "ForceOn"):
            ways = [(off, on)]
        elif kind.value in ("ForceOff", "GracefulShutdown"):
            ways = [(on, off)]
        elif kind.value == "PushPowerButton":
            ways = [(off, on), (on, off)]
        else:
            ways = [(on, on)]
        for before, after in ways:
            become(system, before)
            reset(system, kind, after)
    become(system, off)
    return [kind.value for kind in kinds]


def facts(root, system):
    manager = system.managers[0]
    assert manager.manager_type == sushy.MANAGER_TYPE_BMC, manager.json
    assert manager.systems[0].identity == system.identity
    assert root.get_chassis_collection().get_members()[0].manufacturer == system.manufacturer
    return {
        "uuid": system.uuid, "manufacturer": system.manufacturer, "firmware": manager.firmware_version,
        "memory": system.memory_summary.size_gib, "macs": sorted(system.ethernet_interfaces.summary),
    }


def install(bmc):
    login = auth.BasicAuth if bmc["basic"] else auth.SessionAuth
    login = login(bmc["user"], bmc["password"])
    root = sushy.Sushy(bmc["url"], auth=login, verify=bmc["ca"])
    system = root.get_system()
    seen = facts(root, system)
    events(root)
    slot = disc(system)
    if slot.verify_certificate is not None:
        for wanted in (True, False):
            verify(slot, wanted)
            assert fresh(slot).verify_certificate == wanted
    insert(slot, bmc)
    boot_once(fresh(system), bmc)
    reset(system, sushy.RESET_ON, sushy.POWER_STATE_ON)
    assert system.boot.enabled == sushy.BOOT_SOURCE_ENABLED_DISABLED, system.boot
    fresh(slot).eject_media()
    until("the medium is out", lambda: not fresh(slot).inserted)
    reset(system, sushy.RESET_FORCE_RESTART, sushy.POWER_STATE_ON)
    time.sleep(0.1)
    reset(system, sushy.RESET_GRACEFUL_SHUTDOWN, sushy.POWER_STATE_OFF)
    reset(system, sushy.RESET_ON, sushy.POWER_STATE_ON)
    reset(system, sushy.RESET_FORCE_OFF, sushy.POWER_STATE_OFF)
    if not bmc["basic"]:  # once for each vendor
        sessions(root, bmc)
        seen["slots"] = slots(system, bmc)
        overrides(system)
        seen["resets"] = resets(system)
    login.close()
    return seen


def main():
    results = {}

    def run(bmc):
        try:
            results[bmc["name"]] = install(bmc)
        except Exception as error:  # reported by the test
            results[bmc["name"]] = {"error": "%s: %s" % (type(error).__name__, error)}

    threads = [threading.Thread(target=run, args=(bmc,)) for bmc in json.load(sys.stdin)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump(results, sys.stdout)


main()
