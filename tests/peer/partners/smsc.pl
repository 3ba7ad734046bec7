# Net::SMPP as an SMSC for one connection: perl smsc.pl PORT. Prints `ready`, then "text CODING UDHI OCTETS-IN-HEX" for each
# text; a receipt for each that asks for one, and a text of its own to who sent the first.
use strict; use warnings; use Net::SMPP;
$| = 1;
my $listener = Net::SMPP->new_listen('127.0.0.1', port => shift) or die "listen: $!";
print "ready\n";
my $esme = $listener->accept or die "accept: $!";
my $number = 0;
while (my $pdu = $esme->read_pdu) {
    my $command = $pdu->cmd;
    if ($command == Net::SMPP::CMD_bind_transceiver) { $esme->bind_transceiver_resp(seq => $pdu->seq, system_id => 'perl') }
    elsif ($command == Net::SMPP::CMD_submit_sm) {
        $number++;
        printf "text %d %d %s\n", $pdu->{data_coding}, $pdu->{esm_class} & 0x40, unpack 'H*', $pdu->{short_message};
        $esme->submit_sm_resp(seq => $pdu->seq, message_id => sprintf('%x', $number));
        my %back = (async => 1, source_addr_ton => 1, source_addr_npi => 1, source_addr => $pdu->{destination_addr},
            dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => $pdu->{source_addr});
        $esme->deliver_sm(%back, esm_class => 4, short_message => sprintf('id:%x sub:001 dlvrd:001 submit date:2611231600 ' .
            'done date:2611231600 stat:DELIVRD err:000 text:', $number)) if $pdu->{registered_delivery};
        $esme->deliver_sm(%back, short_message => 'hello from perl') if $number == 1;
    }
    elsif ($command == Net::SMPP::CMD_enquire_link) { $esme->enquire_link_resp(seq => $pdu->seq) }
    elsif ($command == Net::SMPP::CMD_unbind) { $esme->unbind_resp(seq => $pdu->seq); last }
}
