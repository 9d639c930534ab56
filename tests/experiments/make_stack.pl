#!/usr/bin/perl
# Writes an image stack with nothing of lossbench: make_stack.pl DIRECTORY. 24 x 24 grey, 500 pages of noise, each fifth
# with a bright square; images.tif is an uncompressed multi-page TIFF, put together by hand after the TIFF 6.0 specification.
use strict;
use warnings;
my ($directory) = @ARGV or die "usage: make_stack.pl DIRECTORY\n";
my ($side, $pages) = (24, 500);
my $state = 1;
sub noise { $state = ($state * 1103515245 + 12345) & 0x7fffffff; return ($state >> 16) % 40 }

open(my $tiff, '>:raw', "$directory/images.tif") or die "$directory/images.tif: $!\n";
open(my $labels, '>', "$directory/labels.csv") or die "$directory/labels.csv: $!\n";
print $labels "index,type,part,set\n";
print $tiff pack('a2vV', 'II', 42, 8);
for my $page (0 .. $pages - 1) {
    my $defect = $page % 5 == 4;
    my ($row, $column) = map { 4 + $_ % 12 } noise(), noise();
    my @pixels = map { 100 + noise() } 1 .. $side * $side;
    if ($defect) {
        for my $y ($row .. $row + 3) { $pixels[$y * $side + $_] += 25 for $column .. $column + 3 }
    }
    my @tags = ([256, $side], [257, $side], [258, 8], [259, 1], [262, 1], [273, 0], [277, 1], [278, $side], [279, $side * $side]);
    my $at = tell $tiff;
    my $data = $at + 2 + 12 * @tags + 4;
    $tags[5][1] = $data;
    my $next = $page == $pages - 1 ? 0 : $data + $side * $side;
    print $tiff pack('v', scalar @tags), (map { pack('vvVV', $_->[0], 4, 1, $_->[1]) } @tags), pack('V', $next), pack('C*', @pixels);
    print $labels join(',', $page, $defect ? 'spot' : 'good', '', ''), "\n";
}
